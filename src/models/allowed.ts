// Which models the operator allows, by the names that people write: `server/*` is all models of a server. Case counts:
// `SERVER/x` is no model of the server, and goes to the one of OPENAI_BASE_URL.
import type { ModelSettings } from "../config/models.ts";
import { matchesName } from "../config/name-pattern.ts";

/** A sentence that lists more is not read. */
export const MAX_LISTED = 20;

export function isAllowed({ allowed, default_model }: ModelSettings, name: string): boolean {
  return allowed === null || name === default_model || allowed.some((pattern) => matchesName(pattern, name));
}

export function describeAllowed({ allowed, default_model }: ModelSettings, name: string): string {
  const names = [...new Set([...(default_model === null ? [] : [default_model]), ...(allowed ?? [])])];
  const more = names.length > MAX_LISTED ? " and others" : "";
  const listed = names.slice(0, MAX_LISTED).join(", ");
  return `${quote(name)} is not allowed on this server. Models that are: ${listed}${more}.`;
}

/** Names come from users, and may be 200 characters of anything. */
export function quote(name: string): string {
  return JSON.stringify(name.slice(0, 200).toWellFormed());
}
