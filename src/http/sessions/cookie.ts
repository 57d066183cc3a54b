// The cookie of a session. With `__Host-` a browser takes it from this very host only, over https and for all paths, so
// no neighbour (a preview under a sibling name) can plant one. On a developer's machine, where there is no https, it has
// a plain name. Over http on any other address everybody on the way could read it: there is none.

const SECURE_NAME = "__Host-taskloom-session";
const LOOPBACK_NAME = "taskloom-session";

/** On localhost all programs of the machine share the jar. A server that takes more than this takes nearly any. */
const MAX_HEADER_CHARACTERS = 16 * 1024;

/** What a person reads where `cookieName` is null. */
export const NO_COOKIE_HERE =
  "Signing in needs https. Over http it works only on the server's own machine, at localhost. Elsewhere, use an API key.";

/** The cookie's name for requests to this address; null if none is safe there. */
export function cookieName({ protocol, hostname }: URL): string | null {
  if (protocol === "https:") return SECURE_NAME;
  return isLoopback(hostname) ? LOOPBACK_NAME : null;
}

export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/**
 * The token that the header brings; null if none. `several`: one of them was planted, and nobody can tell which.
 * `too_large`: not looked at.
 */
export function readCookie(header: string | undefined, name: string): string | null | "several" | "too_large" {
  if (header === undefined) return null;
  if (header.length > MAX_HEADER_CHARACTERS) return "too_large";
  // Only spaces and tabs are no part of a name: a parser that drops more finds names that the browser did not protect.
  const pairs = header.split(";").map((pair) => pair.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, ""));
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  return values.length > 1 ? "several" : (values[0] ?? null);
}

/** `SameSite=Strict`: no link and no form of another site brings it. An empty value with no time deletes it. */
export function writeCookie(name: string, value: string, seconds: number): string {
  const secure = name === SECURE_NAME ? "; Secure" : "";
  return `${name}=${value}; Max-Age=${Math.max(0, Math.floor(seconds))}; Path=/; HttpOnly; SameSite=Strict${secure}`;
}
