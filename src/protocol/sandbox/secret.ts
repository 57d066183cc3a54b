// A secret of a project's sandbox: a value that a person gives to the commands there, under the name of a variable.
import { z } from "zod";
import { late } from "../schemas/late.ts";

/**
 * How the sandbox gets it. `secret`: the provider keeps the value and sends it to the secret's hosts alone; programs see
 * a placeholder. `env`: programs see the value.
 */
export type Delivery = "secret" | "env";

/** What a client may see of a secret: never its value. */
export interface SandboxSecretInfo {
  name: string;
  hosts: string[];
  delivered: Delivery;
  created_at: string;
  updated_at: string;
}

export const MAX_SECRETS = 100;
/** Linux takes 128 KiB for one variable, and a provider 64 KiB for one secret. */
const MAX_SECRET_BYTES = 64 * 1024;
/** Linux takes 2 MB for all variables and arguments of a program, and some systems half of that. */
export const MAX_SECRETS_BYTES = 512 * 1024;
const MAX_HOSTS = 20;

/** `api.example.com` or `*.example.com`. Ports are not supported by the provider. */
const secretHost = late(() =>
  z
    .string()
    .max(253)
    .regex(
      /^(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/,
      "is not a host such as api.example.com",
    ),
);

export const secretFields = late(() => ({
  value: z
    .string()
    .min(1)
    .max(MAX_SECRET_BYTES)
    .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)")
    .refine((text) => !text.includes("\0"), "holds a NUL character, which no variable can have")
    .refine((text) => countBytes(text) <= MAX_SECRET_BYTES, `is longer than ${MAX_SECRET_BYTES} bytes of UTF-8`),
  hosts: z.array(secretHost()).max(MAX_HOSTS).optional(),
}));

/** In the form that is stored: one text for the same hosts. */
export function normalizeHosts(hosts: string[]): string[] {
  return [...new Set(hosts.map((host) => host.toLowerCase()))].sort();
}

export function countBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
