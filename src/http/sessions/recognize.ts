// Recognizes the session of a request by its cookie, and replaces its token now and then, so that a copied one is of use
// for a short time and is noticed: whoever holds the older of two tokens that were the session's ends it.
//
// The former token holds until the browser has sent the present one, and a minute longer: requests overlap, and answers
// get lost. Until then each answer to the former one brings the present one again.
import { describeError, logWarning } from "../../lib/log.ts";
import { endSession, noteSeen, rotateSession } from "../../store/people/sessions.ts";
import { audited } from "../audit.ts";
import { callerOf, recognizeGuess, requireHolding } from "../auth.ts";
import type { AppContext, Caller, Guess, KnownKey, Sessions } from "../context.ts";
import { Problem } from "../errors.ts";
import { cookieName, readCookie, writeCookie } from "./cookie.ts";
import { sourceOfRequest } from "./own-page.ts";
import { type Fit, hashToken, matchToken, newSalt, nextToken, readToken, type Token, writeToken } from "./token.ts";

/** A copied token is of use for so long after the browser's next request. Each replacement costs a write of D1. */
export const ROTATE_MS = 3_600_000;
/** Requests that were under way when the browser got the present token have arrived by then. */
export const OVERLAP_MS = 60_000;
/** An answer that took longer brings no token: a newer one may be in the browser by then. */
const ANSWER_MS = 60_000;

const ELSEWHERE =
  "A session counts only for requests of this server's own pages. Send an API key: Authorization: Bearer <api key>.";
const SEVERAL = "The browser sent several cookies of a session. Delete the cookies of this site, and sign in again.";
const TOO_LARGE = "The cookies are too large. Delete the cookies of this site, and sign in again.";
/** In which a page names the session that it was opened with: somebody else may have signed in in its browser since. */
const OWN_SESSION = "taskloom-session";

const ENDED = "The session has ended. Sign in again.";
const ANOTHER = "The browser holds another session than the one that the request names. Sign in again.";
const COPIED = "The session has ended: its cookie was used after it had been replaced. Sign in again.";

export function createSessions(now: () => number = Date.now): Sessions {
  return {
    async identify(context, { is_leaving = false } = {}) {
      const known = context.get("session");
      // Its token may be replaced since: a stream asks for as long as it is open.
      if (known) return await confirm(context, known.session_id, now());
      const name = cookieName(new URL(context.req.url));
      const cookie = name === null ? null : readCookie(context.req.header("cookie"), name);
      if (name === null || cookie === null) return null;
      if (cookie === "several" || cookie === "too_large") {
        throw new Problem("unauthorized", cookie === "several" ? SEVERAL : TOO_LARGE);
      }
      const source = sourceOfRequest(context.req.raw);
      if (source === "other") throw new Problem("unauthorized", ELSEWHERE);
      const token = readToken(cookie);
      // It has another form than ours: nobody guesses with it.
      if (token === null) throw new Problem("unauthorized", ENDED);
      if ((context.req.header(OWN_SESSION) ?? token.session_id) !== token.session_id) {
        throw new Problem("unauthorized", ANOTHER);
      }
      return await recognizeGuess(context, cookie, ENDED, async (guess) => {
        const found = await find(context, token, guess, is_leaving);
        if (found === null) return null;
        const renewed = await renew(context, { token, ...found }, now());
        const renewal = renewed && {
          cookie: writeCookie(name, writeToken(renewed), secondsOf(found.row, now())),
          at: now(),
        };
        context.set("session", { session_id: token.session_id, is_unclear: source === "unclear", renewal });
        return callerOf(found.row);
      });
    },
    answer(context) {
      const { renewal } = context.get("session") ?? {};
      if (renewal === undefined) return;
      // Unlike a key, a cookie does not keep what it opens out of caches.
      if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "private, no-store");
      if (renewal === null || now() - renewal.at > ANSWER_MS) return;
      context.res.headers.append("set-cookie", renewal.cookie);
    },
  };

  async function find(
    context: AppContext,
    token: Token,
    guess: Guess,
    is_leaving: boolean,
  ): Promise<{ row: KnownKey; fits: "present" | "former" } | null> {
    const authenticator = context.get("authenticator");
    const { DB } = context.env;
    let { key: row, is_read } = await authenticator.look(token.session_id, DB, guess);
    let fits = await fitOf(token, row, now());
    if (row !== null && fits !== "present" && fits !== "former" && !is_read) {
      // Another isolate may have replaced the token since. If D1 fails, nobody knows.
      row = await authenticator.lookAgain(token.session_id, DB, guess);
      is_read = true;
      fits = await fitOf(token, row, now());
    }
    if (row === null || fits === "unknown") return null;
    requireHolding(is_leaving ? { ...row, disabled_at: null } : row, now());
    if (fits === "older") throw await endCopied(context, row, now());
    if (is_read) authenticator.note(row, DB, (work) => context.executionCtx.waitUntil(work));
    return { row, fits };
  }
}

/** How the token fits the row: a former one is an older one once its time is over. */
async function fitOf(token: Token, row: KnownKey | null, now: number): Promise<Fit> {
  if (row === null || row.kind !== "session") return "unknown";
  const fits = await matchToken(token, row);
  const seen_at = row.session?.seen_at ?? null;
  return fits === "former" && seen_at !== null && now - Date.parse(seen_at) > OVERLAP_MS ? "older" : fits;
}

/** Returns the token that the browser is to have from now on; null if it keeps its own. */
async function renew(
  context: AppContext,
  { token, row, fits }: { token: Token; row: KnownKey; fits: "present" | "former" },
  now: number,
): Promise<Token | null> {
  const { session, hash } = row;
  if (session === null) return null;
  if (fits === "former") return session.salt === null ? null : await nextToken(token, session.salt);
  const { DB } = context.env;
  const authenticator = context.get("authenticator");
  if (session.seen_at === null) {
    const noted = noteSeen(DB, token.session_id, hash, now).then(() => authenticator.forget(token.session_id));
    context.executionCtx.waitUntil(noted.catch((error: unknown) => warn("session_not_noted", error)));
    return null;
  }
  if (now - Date.parse(session.seen_at) < ROTATE_MS) return null;
  const salt = newSalt();
  const next = await nextToken(token, salt);
  const rotation = { session_id: token.session_id, hash, next_hash: await hashToken(next), salt };
  try {
    const isRotated = await rotateSession(DB, rotation, now);
    authenticator.forget(token.session_id);
    // Another request was first. One that follows brings its token.
    return isRotated ? next : null;
  } catch (error) {
    // The session holds all the same, and the next request tries again.
    warn("session_not_rotated", error);
    return null;
  }
}

/** The caller of a request that has proved its session before, if that still holds. */
async function confirm(context: AppContext, session_id: string, now: number): Promise<Caller> {
  const { key } = await context.get("authenticator").look(session_id, context.env.DB);
  if (key === null) throw new Problem("unauthorized", ENDED);
  requireHolding(key, now);
  return callerOf(key);
}

async function endCopied(context: AppContext, { user_id, key_id }: KnownKey, now: number): Promise<Problem> {
  const act = { action: "session.delete", user_id, target: key_id, details: { reason: "copied_cookie" } } as const;
  await audited(context, act, () => endSession(context.env.DB, user_id, key_id, now));
  context.get("authenticator").forget(key_id);
  return new Problem("unauthorized", COPIED);
}

function secondsOf({ expires_at }: KnownKey, now: number): number {
  return ((expires_at ?? now) - now) / 1000;
}

function warn(event: string, error: unknown): void {
  logWarning(event, { error: describeError(error) });
}
