// The cookies of attempts to sign in: one for each, so that two tabs don't disturb each other.
import { isLoopback } from "../../config/sign-in.ts";
import type { AppContext } from "../../http/context.ts";
import {
  ATTEMPT_MS,
  type Attempt,
  COOKIE,
  findOverdue,
  idOfState,
  isStateOf,
  readAttempt,
  readCookies,
  writeAttempt,
} from "../attempt.ts";

/** Whether cookies reach nobody else: over https, or on this computer. */
export function isSafe(context: AppContext): boolean {
  const url = new URL(context.req.url);
  return url.protocol === "https:" || isLoopback(url);
}

/** Keeps the attempt in the browser, in place of the oldest of too many. */
export function storeAttempt(context: AppContext, attempt: Attempt): void {
  const prefix = prefixOf(context);
  const all = readCookies(context.req.header("cookie"), prefix);
  for (const name of findOverdue(all, attempt.begun_at)) setCookie(context, name, "", 0);
  setCookie(context, prefix + idOfState(attempt.state), writeAttempt(attempt), ATTEMPT_MS / 1000);
}

/** Takes the attempt with that state out of the browser. Null if the browser began none such in the last ten minutes. */
export async function takeAttempt(context: AppContext, state: string): Promise<Attempt | null> {
  const name = prefixOf(context) + idOfState(state);
  const cookie = readCookies(context.req.header("cookie"), name)[name];
  if (cookie === undefined) return null;
  setCookie(context, name, "", 0);
  const attempt = readAttempt(cookie, Date.now());
  return attempt !== null && (await isStateOf(attempt, state)) ? attempt : null;
}

/** `__Host-` binds a cookie to this host, also against its subdomains. Browsers accept it over https only. */
function prefixOf(context: AppContext): string {
  return isEncrypted(context) ? `__Host-${COOKIE}` : COOKIE;
}

/** Lax: the browser comes back from another site. */
function setCookie(context: AppContext, name: string, value: string, seconds: number): void {
  const parts = [`${name}=${value}`, "Path=/", `Max-Age=${seconds}`, "HttpOnly", "SameSite=Lax"];
  const cookie = [...parts, ...(isEncrypted(context) ? ["Secure"] : [])].join("; ");
  context.header("set-cookie", cookie, { append: true });
}

function isEncrypted(context: AppContext): boolean {
  return new URL(context.req.url).protocol === "https:";
}
