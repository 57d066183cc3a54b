// A project owns at most one sandbox and says what the sandbox is made of.
import { z } from "zod";
import type { Caps } from "./money/caps.ts";
import { variableName } from "./sandbox/variable.ts";
import { late } from "./schemas/late.ts";
import { limitNames } from "./schemas/many.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

/**
 * The repository that the project's files come from. Credentials are stored elsewhere and are never part of the
 * address.
 */
export const gitSource = late(() =>
  z.strictObject({
    url: wellFormed
      .min(1)
      .max(2000)
      .refine(isPlainHttpUrl, "must be an http or https address without user or password"),
    branch: wellFormed.min(1).max(255).optional(),
    path: wellFormed.min(1).max(1000).optional(),
  }),
);
export type GitSource = z.infer<ReturnType<typeof gitSource>>;

const MAX_DOCKERFILE_CHARACTERS = 64 * 1024;
const MAX_VARIABLES = 100;
const MAX_VARIABLES_CHARACTERS = 32 * 1024;
const MINUTES_OF_A_MONTH = 30 * 24 * 60;
/** As many as a sandbox's firewall takes. */
const MAX_ALLOWED_NETWORKS = 10;

const variables = late(() =>
  limitNames(
    z
      .record(variableName(), wellFormed.max(8192), {
        error: (issue) => (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined),
      })
      .refine((env) => JSON.stringify(env).length <= MAX_VARIABLES_CHARACTERS, "is too long")
      .refine((env) => Object.values(env).every((value) => !value.includes("\0")), "holds a NUL character"),
    MAX_VARIABLES,
    `has more than ${MAX_VARIABLES} variables`,
  ),
);

/** `10.0.0.0/8`, `1.1.1.1`, `example.com` or `*.example.com`. */
const reachable = late(() =>
  z
    .string()
    .max(253)
    .regex(
      /^(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63})$/,
      "is no IPv4 network and no domain",
    )
    .refine(isNetworkOrName, "is no IPv4 network: its numbers are up to 255, its length up to 32"),
);

const network = late(() =>
  z
    .strictObject({
      block_all: z.boolean().optional(),
      allow: z.array(reachable()).min(1).max(MAX_ALLOWED_NETWORKS).optional(),
    })
    .refine(({ block_all, allow }) => !(block_all && allow), "has `block_all` and `allow`: one excludes the other"),
);

/**
 * Where and of what the project's sandbox is made, in cores and GiB; a missing field takes the server's default. The
 * setting `SANDBOX_LIMITS` limits how much may be requested.
 */
const sandboxFields = late(() =>
  z.strictObject({
    target: wellFormed.min(1).max(200).optional(),
    snapshot: wellFormed.min(1).max(200).optional(),
    image: wellFormed
      .max(500)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/, "is no name of an image")
      .optional(),
    dockerfile: wellFormed
      .max(MAX_DOCKERFILE_CHARACTERS)
      .regex(/^\s*(?:#[^\n]*\n\s*|[Aa][Rr][Gg]\s[^\n]*\n\s*)*[Ff][Rr][Oo][Mm]\s+\S/, "does not begin with FROM")
      .optional(),
    cpu: z.int().min(1).max(1024).optional(),
    memory: z.int().min(1).max(4096).optional(),
    disk: z.int().min(1).max(65_536).optional(),
    env: variables().optional(),
    /** Minutes without activity; 0 means never. */
    auto_stop_minutes: z.int().min(0).max(MINUTES_OF_A_MONTH).optional(),
    /** Minutes after it stopped; 0 means as late as the provider allows. */
    auto_archive_minutes: z.int().min(0).max(MINUTES_OF_A_MONTH).optional(),
    network: network().optional(),
  }),
);
export const sandboxSettings = late(() =>
  sandboxFields().refine(
    ({ snapshot, image, dockerfile }) => [snapshot, image, dockerfile].filter((one) => one !== undefined).length <= 1,
    "takes one of `snapshot`, `image` and `dockerfile`",
  ),
);
/** The shape without the refinement, for descriptions, which can't express that rule. */
export const sandboxShape = late(() => sandboxFields().shape);
export type SandboxSettings = z.infer<ReturnType<typeof sandboxFields>>;

export interface Project {
  project_id: string;
  user_id: string;
  name: string;
  git: GitSource | null;
  sandbox: SandboxSettings | null;
  /** For all its runs together. */
  caps: Caps | null;
  /** Its threads are deleted after so many days without activity, or sooner if the user's are; null for the user's. */
  retention_days: number | null;
  created_at: string;
  updated_at: string;
}

export interface ProjectPatch {
  name?: string;
  git?: GitSource | null;
  sandbox?: SandboxSettings | null;
  caps?: Caps | null;
  retention_days?: number | null;
}

function isNetworkOrName(text: string): boolean {
  const [, address, length = "32"] = /^([\d.]+)(?:\/(\d+))?$/.exec(text) ?? [];
  return address === undefined || (Number(length) <= 32 && address.split(".").every((part) => Number(part) <= 255));
}

function isPlainHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}
