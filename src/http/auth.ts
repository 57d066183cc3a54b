// Turns a request's bearer key into a caller. The admin key of the settings is a matter of its own (keys/admin-key.ts).
// All other keys are rows of D1, read with their users and cached for a few seconds so that a busy client does not cost
// a read per request.
import { createMiddleware } from "hono/factory";
import { isShortKey } from "../config/key-length.ts";
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
import type { AppContext, AppEnv, Authenticator, Caller, Guess } from "./context.ts";
import { Problem } from "./errors.ts";
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

interface CachedKey extends Omit<FoundApiKey, "expires_at" | "last_used_at"> {
  key_id: string;
  expires_at: number | null;
  last_used_at: number | null;
  /** D1 is not asked again before this time. */
  until: number;
  confirmed_at: number;
}

export function createAuthenticator(now: () => number = Date.now): Authenticator {
  const cached = new Map<string, CachedKey>();
  const adminKey = createAdminKey(now);
  // Counts calls of `forget`: what was read before one may be the key that it forgot.
  let forgotten = 0;

  async function recognizeStored(
    key_id: string,
    hash: Uint8Array,
    db: D1Database,
    { guess, later }: Parameters<Authenticator["recognize"]>[3] & object,
  ): Promise<Caller | null> {
    const known = cached.get(key_id);
    if (!known) guess?.look();
    const isRead = !known || known.until <= now();
    const fresh = isRead ? await (known ? refresh(known, db) : load(key_id, db)) : known;
    if (!fresh || !equalInConstantTime(fromHex(fresh.hash), hash)) return null;
    // Whatever is cached, and also while D1 fails. Only who has the right key is told of its account.
    if (isExpired(fresh, now())) throw expired(fresh);
    requireOpen(fresh);
    if (isRead && later) note(fresh, db, later);
    const { user_id, confirmed_at, expires_at, scopes: given } = fresh;
    const limits = { expires_at, scopes: given ?? userScopes, is_limited: given !== null };
    return { user_id, kind: fresh.kind ?? "key", key_id, confirmed_at, ...limits };
  }

  /** Stores when the key was last used, if that is not known to the hour. Nothing waits for it, or fails with it. */
  function note(used: CachedKey, db: D1Database, later: (work: Promise<void>) => void): void {
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
    const entry = { ...row, ...times, key_id, until: confirmed_at + CACHED_MS, confirmed_at };
    if (forgotten !== before) return entry;
    cached.set(key_id, entry);
    const [oldest] = cached.keys();
    if (cached.size > MAX_CACHED_KEYS && oldest !== undefined) cached.delete(oldest);
    return entry;
  }

  return {
    async recognize(key, config, db, options = {}) {
      const hash = await hashText(key);
      const admin = config.admin_api_key === null ? null : await hashText(config.admin_api_key);
      if (admin && equalInConstantTime(admin, hash)) {
        // A long one can't be guessed, and must not be kept out.
        if (isShortKey(config.admin_api_key)) options.guess?.check();
        const { standing, confirmed_at } = await adminKey.read(db, config.admin_key_only_admin);
        const limits =
          standing === "acts"
            ? { scopes, is_limited: false }
            : { scopes: ["admin"] satisfies Scope[], is_limited: true, admin_standing: standing };
        const named = { user_id: FIRST_USER_ID, kind: "admin_key", key_id: ADMIN_KEY_ID } as const;
        return { ...named, confirmed_at, expires_at: null, ...limits };
      }
      const key_id = readKeyId(key);
      return key_id === null ? null : await recognizeStored(key_id, hash, db, options);
    },
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
});

/** Asks again for the key of a request that took its time to arrive. */
export async function confirmKey(context: AppContext, needed: NeededScope): Promise<void> {
  const caller = context.get("caller");
  const isOld = Date.now() - caller.confirmed_at > CHECK_KEYS_MS;
  if (!isOld && !isExpired(caller, Date.now())) return;
  context.set("caller", await identify(context));
  requireScope(context.get("caller"), needed);
}

/** Returns the caller to whom the request's key belongs. */
export async function identify(context: AppContext): Promise<Caller> {
  const config = context.get("config");
  if (config.admin_api_key === null) {
    throw new Problem(
      "not_configured",
      "This server has no ADMIN_API_KEY. Set it (wrangler secret put ADMIN_API_KEY).",
    );
  }
  const [, key] = /^bearer +(\S+) *$/i.exec(context.req.header("authorization") ?? "") ?? [];
  if (key === undefined || key.length > KEY_CHARACTERS) {
    throw new Problem("unauthorized", "Send an API key: Authorization: Bearer <api key>.");
  }
  const guess = context.get("guesses").open(context);
  const isRepeated = await guess.isRepeated(key);
  const caller = isRepeated ? null : await recognizeOnce(context, key, guess);
  if (caller) return caller;
  if (!isRepeated) {
    guess.fail();
    await guess.remember(key);
  }
  throw new Problem("unauthorized", "The API key is not known here.", !isRepeated);
}

/** What an operation needs of a key. `any`: every valid key may. */
export type NeededScope = Scope | "any";

/** Throws `forbidden`, with the scope that is missing. */
export function requireScope(caller: Pick<Caller, "scopes" | "admin_standing">, needed: NeededScope): void {
  if (needed === "any" || caller.scopes.includes(needed)) return;
  const { admin_standing: standing } = caller;
  if (standing === "unknown") throw new Problem("internal", ADMIN_KEY_UNKNOWN);
  const held = caller.scopes.map((scope) => `\`${scope}\``).join(", ") || "none";
  const said = `This needs an API key with the scope \`${needed}\`. The scopes of yours: ${held}.`;
  throw new Problem("forbidden", standing ? `${said} ${adminKeyDetails[standing]}` : said);
}

/** Throws if the key's user is disabled or deleted. */
export function requireOpen({ disabled_at, deleted_at }: Pick<FoundApiKey, "disabled_at" | "deleted_at">): void {
  if (deleted_at !== null) throw new Problem("unauthorized", "The account of this API key was deleted.");
  if (disabled_at !== null) throw new Problem("forbidden", "This account is disabled. Ask an administrator.");
}

export function expired({ expires_at }: Pick<Caller, "expires_at">): Problem {
  return new Problem("unauthorized", `The API key expired at ${new Date(expires_at ?? 0).toISOString()}.`);
}

/** Gives back the guess unless the key is wrong. While D1 fails, nobody knows. */
async function recognizeOnce(context: AppContext, key: string, guess: Guess): Promise<Caller | null> {
  let isWrong = false;
  try {
    const later = (work: Promise<void>) => context.executionCtx.waitUntil(work);
    const options = { guess, later };
    const caller = await context.get("authenticator").recognize(key, context.get("config"), context.env.DB, options);
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
