// A credential of a git host. A host has one normal form, so the credential stored for it is found from any of its
// addresses.
import { z } from "zod";
import { fail, type Result, succeed } from "./error.ts";

/** What a client may see of a credential: never its password. */
export interface GitCredentialInfo {
  host: string;
  /** Null if it can't be decrypted any more. */
  username: string | null;
  created_at: string;
  updated_at: string;
}

/** Tokens of known hosts have up to a few hundred characters; those that are JWTs have a few thousand. */
const MAX_PASSWORD_CHARACTERS = 8192;
const MAX_USERNAME_CHARACTERS = 256;
const MAX_HOST_CHARACTERS = 500;

// A line feed would start a new line in the protocols and helpers that carry these values.
const plain = z
  .string()
  .min(1)
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)")
  .refine((text) => !/\p{Cc}/u.test(text), "contains a control character, such as a line feed");

export const gitCredentialFields = {
  host: plain.max(MAX_HOST_CHARACTERS),
  username: plain
    .max(MAX_USERNAME_CHARACTERS)
    .refine((text) => !text.includes(":"), "holds a colon, which HTTP allows in passwords only"),
  password: plain.max(MAX_PASSWORD_CHARACTERS),
};

/** What a row holds encrypted. */
export const gitLogin = z.object({ username: z.string(), password: z.string() });
export type GitLogin = z.infer<typeof gitLogin>;

/**
 * The host in its normal form: lower case, Punycode, with the port unless it is the default one. Also accepts an http
 * or https address and takes its host.
 */
export function normalizeGitHost(text: string): Result<string> {
  const given = text.trim();
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return readAddress(given);
  if (given.includes("@")) {
    return refuse("must be a host alone, e.g. `github.com`, without a user; SSH addresses and keys are not supported");
  }
  // The URL parser would drop or decode these, or read them as the end of the host.
  if (given === "" || /[\s/\\?#%*]/.test(given))
    return refuse("must be a host alone, e.g. `github.com` or `git.example.com:8443`");
  return readAddress(`https://${given}`);
}

/** The host under which a credential for this address is stored; null if the address can't have one. */
export function hostOfGitUrl(url: string): string | null {
  const read = readAddress(url);
  return read.ok ? read.value : null;
}

function readAddress(address: string): Result<string> {
  const url = URL.parse(address);
  if (url === null) return refuse("is not a host that an address can have");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse("must be a host that is reached over https: credentials are for git over HTTP");
  }
  if (url.username !== "" || url.password !== "")
    return refuse("must not contain a user or password: these have fields of their own");
  const name = url.hostname.replace(/(?<!\.)\.+$/, "");
  if (name === "") return refuse("is not a host that an address can have");
  return succeed(url.port === "" ? name : `${name}:${url.port}`);
}

function refuse(detail: string) {
  return fail("invalid_field", `host: ${detail}`);
}
