// Turns a request's bearer key into a caller. The admin key of the settings is a matter of its own (keys/admin-key.ts).
// All other keys are rows of D1, read with their users and cached for a few seconds so that a busy client does not cost a
// read per request. A request without a key may bring a session's cookie in its place (`sessions/`).
import { createMiddleware } from "hono/factory";
import { isShortKey } from "../config/key-length.ts";
import type { Config } from "../config.ts";
import { equalInConstantTime } from "../lib/constant-time.ts";
import { hashText } from "../lib/hash.ts";
import { describeError, logWarning } from "../lib/log.ts";
import { withinTime } from "../lib/time-limit.ts";
import { ADMIN_KEY_ID, FIRST_USER_ID } from "../protocol/ids.ts";
import { type Scope, scopes, userScopes } from "../protocol/keys/scope.ts";
import { type FoundApiKey, findApiKey, noteUse } from "../store/api-keys.ts";
import { clock } from "../thread/ports.ts";
import { CHECK_KEYS_MS, isExpired, TRUSTED_WITHOUT_D1_MS } from "../thread/stream/ended-keys.ts";
import { readKeyId } from "./api-key.ts";
import type { AppContext, AppEnv, Authenticator, Caller, Guess, KnownKey, RecognizeOptions } from "./context.ts";
import { Problem, tablesMissing } from "./errors.ts";
import { ADMIN_KEY_UNKNOWN, adminKeyDetails, createAdminKey } from "./keys/admin-key.ts";

// How long a deleted key may still work in other isolates. In the one that deletes it, it stops working at once. What it
// opens until then ends in time (`thread/stream/ended-keys.ts`).
const CACHED_MS = 10_000;

const D1_LIMIT_MS = 3_000;
const D1_PAUSE_MS = 2_000;

// Beyond this number the oldest is dropped, whatever its age.
const MAX_CACHED_KEYS = 1000;

// Our keys are far shorter. This avoids hashing a header of a megabyte.
const KEY_CHARACTERS = 1024;

// A write is billed, and nobody asks for the minute in which a key was last used.
const USE_NOTED_MS = 3_600_000;

interface CachedKey extends KnownKey {
  /** `hash`, to compare with. */
  bytes: Uint8Array;
  /** D1 is not asked again before this time. */
  until: number;
}

export function createAuthenticator(now: () => number = Date.now): Authenticator {
  const cached = new Map<string, CachedKey>();
  const adminKey = createAdminKey(now);
  const adminHashes = new WeakMap<Config, Uint8Array>();
  // Counts calls of `forget`: what was read before one may be the key that it forgot.
  let forgotten = 0;

  /**
   * Kept once it is there, since each request asks for it. Not the promise: it would never resolve for others if the
   * request that began it is cancelled.
   */
  async function adminHashOf(config: Config): Promise<Uint8Array | null> {
    const known = adminHashes.get(config);
    if (known !== undefined || config.admin_api_key === null) return known ?? null;
    const hash = await hashText(config.admin_api_key);
    adminHashes.set(config, hash);
    return hash;
  }

  async function recognizeStored(
    key_id: string,
    hash: Uint8Array,
    db: D1Database,
    { guess, later }: RecognizeOptions,
  ): Promise<Caller | null> {
    const { key: fresh, is_read } = await look(key_id, db, guess);
    if (!fresh || fresh.kind === "session" || !equalInConstantTime(fresh.bytes, hash)) return null;
    requireHolding(fresh, now());
    if (is_read && later) note(fresh, db, later);
    return callerOf(fresh);
  }

  async function look(
    key_id: string,
    db: D1Database,
    guess?: Guess,
  ): Promise<{ key: CachedKey | null; is_read: boolean }> {
    const known = cached.get(key_id);
    if (!known) guess?.look();
    const isFresh = known && known.until > now();
    const key = isFresh ? known : await (known ? refresh(known, db) : load(key_id, db));
    // What `refresh` returns while D1 fails is what was known.
    return { key, is_read: key === null || key !== known };
  }

  /** Stores when the key was last used, if that is not known to the hour. Nothing waits for it, or fails with it. */
  function note(used: KnownKey, db: D1Database, later: (work: Promise<void>) => void): void {
    const at = now();
    if (used.last_used_at !== null && used.last_used_at > at - USE_NOTED_MS) return;
    used.last_used_at = at;
    later(
      noteUse(db, used.key_id, at, at - USE_NOTED_MS).catch((error: unknown) =>
        logWarning("key_use_not_noted", { error: describeError(error) }),
      ),
    );
  }

  /** Asks D1 again, and returns what is cached if D1 fails. */
  async function refresh(known: CachedKey, db: D1Database): Promise<CachedKey | null> {
    try {
      return await withinTime(clock, D1_LIMIT_MS, "D1", load(known.key_id, db));
    } catch (error) {
      const isForgotten = cached.get(known.key_id) !== known;
      if (isForgotten || now() - known.confirmed_at > TRUSTED_WITHOUT_D1_MS) throw error;
      known.until = now() + D1_PAUSE_MS;
      return known;
    }
  }

  async function load(key_id: string, db: D1Database): Promise<CachedKey | null> {
    const confirmed_at = now();
    const before = forgotten;
    const row = await findApiKey(db, key_id);
    cached.delete(key_id);
    if (!row) return null;
    const times = { expires_at: timeOf(row.expires_at), last_used_at: timeOf(row.last_used_at) };
    const bytes = fromHex(row.hash);
    const entry = { ...row, ...times, key_id, bytes, until: confirmed_at + CACHED_MS, confirmed_at };
    if (forgotten !== before) return entry;
    cached.set(key_id, entry);
    const [oldest] = cached.keys();
    if (cached.size > MAX_CACHED_KEYS && oldest !== undefined) cached.delete(oldest);
    return entry;
  }

  return {
    async recognize(key, config, db, options = {}) {
      const hash = options.hash ?? (await hashText(key));
      const admin = await adminHashOf(config);
      if (admin && equalInConstantTime(admin, hash)) {
        // A long one can't be guessed, and must not be kept out.
        if (isShortKey(config.admin_api_key)) options.guess?.check();
        const { standing, confirmed_at, quotas } = await adminKey.read(db, config.admin_key_only_admin);
        const limits =
          standing === "acts"
            ? { scopes, is_limited: false }
            : { scopes: ["admin"] satisfies Scope[], is_limited: true, admin_standing: standing };
        const named = { user_id: FIRST_USER_ID, kind: "admin_key", key_id: ADMIN_KEY_ID } as const;
        return { ...named, confirmed_at, expires_at: null, quotas, ...limits };
      }
      const key_id = readKeyId(key);
      return key_id === null ? null : await recognizeStored(key_id, hash, db, options);
    },
    look,
    async lookAgain(key_id, db, guess) {
      guess?.look();
      return await load(key_id, db);
    },
    note,
    forget(key_id) {
      forgotten += 1;
      cached.delete(key_id);
      adminKey.forget();
    },
    forgetUser(user_id) {
      forgotten += 1;
      for (const [key_id, key] of cached) if (key.user_id === user_id) cached.delete(key_id);
      adminKey.forget();
    },
  };
}

/** Lets a request with a valid key pass, and refuses any other with the reason. */
export const requireKey = createMiddleware<AppEnv>(async (context, next) => {
  context.set("caller", await identify(context));
  await next();
  context.get("sessions").answer(context);
});

/** Asks again for the key of a request that took its time to arrive. */
export async function confirmKey(context: AppContext, needed: NeededScope): Promise<void> {
  const caller = context.get("caller");
  const isOld = Date.now() - caller.confirmed_at > CHECK_KEYS_MS;
  if (!isOld && !isExpired(caller, Date.now())) return;
  context.set("caller", await identify(context));
  requireScope(context.get("caller"), needed);
}

/** What a row permits, once the request has proved that it is the row's. */
export function callerOf(
  row: Pick<KnownKey, "user_id" | "key_id" | "kind" | "confirmed_at" | "expires_at" | "scopes" | "quotas">,
): Caller {
  const { user_id, kind, key_id, confirmed_at, expires_at, scopes: given, quotas } = row;
  // A session's list has all that its user may do, and what the user's role adds.
  const is_limited = given !== null && (kind === "key" || !userScopes.every((scope) => given.includes(scope)));
  return { user_id, kind, key_id, confirmed_at, expires_at, scopes: given ?? userScopes, is_limited, quotas };
}

/** Returns the caller to whom the request's key or session belongs. If it brings both, only the key counts. */
export async function identify(context: AppContext): Promise<Caller> {
  const config = context.get("config");
  if (config.admin_api_key === null) {
    throw new Problem(
      "not_configured",
      "This server has no ADMIN_API_KEY. Set it (wrangler secret put ADMIN_API_KEY).",
    );
  }
  const header = context.req.header("authorization");
  const ofSession = header === undefined ? await context.get("sessions").identify(context) : null;
  if (ofSession) return ofSession;
  const [, key] = /^bearer +(\S+) *$/i.exec(header ?? "") ?? [];
  if (key === undefined || key.length > KEY_CHARACTERS) {
    throw new Problem("unauthorized", "Send an API key: Authorization: Bearer <api key>.");
  }
  return await recognizeGuess(context, key, "The API key is not known here.", async (guess, hash) => {
    const later = (work: Promise<void>) => context.executionCtx.waitUntil(work);
    return await context
      .get("authenticator")
      .recognize(key, config, context.env.DB, { guess, later, hash: await hash() });
  });
}

/** Recognizes a secret that may be a guess. Throws `unauthorized` if nobody is recognized by it. */
export async function recognizeGuess(
  context: AppContext,
  secret: string,
  unknown: string,
  recognize: (guess: Guess, hash: () => Promise<Uint8Array>) => Promise<Caller | null>,
): Promise<Caller> {
  const guess = context.get("guesses").open(context);
  let known: Promise<Uint8Array> | undefined;
  // Once, since each takes a tenth of what a refused request costs.
  const hash = () => (known ??= hashText(secret));
  const isRepeated = await guess.isRepeated(hash);
  const caller = isRepeated ? null : await recognizeOnce(guess, () => recognize(guess, hash));
  if (caller) return caller;
  if (!isRepeated) {
    guess.fail();
    guess.remember(await hash());
  }
  throw new Problem("unauthorized", unknown, !isRepeated);
}

/** What an operation needs of a key. `any`: every valid key may. `write or admin`: either of the two. */
export type NeededScope = Scope | "any" | "write or admin";

/** Throws `forbidden`, with the scope that is missing. */
export function requireScope(caller: Pick<Caller, "scopes" | "admin_standing">, needed: NeededScope): void {
  if (needed === "any" || scopesOf(needed).some((scope) => caller.scopes.includes(scope))) return;
  const { admin_standing: standing } = caller;
  if (standing === "no_tables") throw new Problem(tablesMissing.code, tablesMissing.detail);
  if (standing === "unknown") throw new Problem("internal", ADMIN_KEY_UNKNOWN);
  const held = caller.scopes.map((scope) => `\`${scope}\``).join(", ") || "none";
  const said = `This needs an API key with the scope ${nameScopes(needed)}. The scopes of yours: ${held}.`;
  throw new Problem("forbidden", standing ? `${said} ${adminKeyDetails[standing]}` : said);
}

/** Those of which a key needs one; none for `any`. */
export function scopesOf(needed: NeededScope): Scope[] {
  return needed === "any" ? [] : scopes.filter((scope) => needed.split(" or ").includes(scope));
}

export function nameScopes(needed: NeededScope): string {
  return scopesOf(needed)
    .map((scope) => `\`${scope}\``)
    .join(" or ");
}

/** Throws if the key's user is disabled or deleted. */
export function requireOpen({ disabled_at, deleted_at }: Pick<FoundApiKey, "disabled_at" | "deleted_at">): void {
  if (deleted_at !== null) throw new Problem("unauthorized", "The account of this API key was deleted.");
  if (disabled_at !== null) throw new Problem("forbidden", "This account is disabled. Ask an administrator.");
}

/** For who has proved that the row is theirs. Throws if it no longer holds, whatever is cached, and also while D1 fails. */
export function requireHolding(row: KnownKey, now: number): void {
  if (isExpired(row, now)) throw expired(row);
  requireOpen(row);
}

export function expired({ kind, expires_at }: Pick<KnownKey, "kind" | "expires_at"> | Caller): Problem {
  const at = new Date(expires_at ?? 0).toISOString();
  return new Problem(
    "unauthorized",
    kind === "session" ? `The session expired at ${at}.` : `The API key expired at ${at}.`,
  );
}

/** Gives back the guess unless the secret is wrong. While D1 fails, nobody knows. */
async function recognizeOnce(guess: Guess, recognize: () => Promise<Caller | null>): Promise<Caller | null> {
  let isWrong = false;
  try {
    const caller = await recognize();
    isWrong = caller === null;
    return caller;
  } finally {
    if (!isWrong) guess.giveBack();
  }
}

function timeOf(stored: string | null): number | null {
  return stored === null ? null : Date.parse(stored);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
