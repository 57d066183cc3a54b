// Which models the operator allows, by the names that people write: `server/*` is all models of a server. Case counts:
// `SERVER/x` is no model of the server, and goes to the one of OPENAI_BASE_URL.
import type { ModelSettings } from "../config/models.ts";

/** A sentence that lists more is not read. */
export const MAX_LISTED = 20;

export function isAllowed({ allowed, default_model }: ModelSettings, name: string): boolean {
  return allowed === null || name === default_model || allowed.some((pattern) => matchesExactly(pattern, name));
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

/** `*` is any text, everything else is itself. Each part is looked at once, so that no name takes long. */
export function matchesExactly(pattern: string, name: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return name === pattern;
  const end = name.length - last.length;
  if (!name.startsWith(first) || !name.endsWith(last) || end < first.length) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
