// Turns a request's bearer key into a caller. The admin key of the settings belongs to the first user. All other keys
// are rows of D1, cached for a few seconds so that a busy client does not cost a read per request.
import { createMiddleware } from "hono/factory";
import { isShortKey } from "../config/key-length.ts";
import { equalInConstantTime } from "../lib/constant-time.ts";
import { hashText } from "../lib/hash.ts";
import { withinTime } from "../lib/time-limit.ts";
import { ADMIN_KEY_ID, FIRST_USER_ID } from "../protocol/ids.ts";
import { findApiKey } from "../store/api-keys.ts";
import { clock } from "../thread/ports.ts";
import { CHECK_KEYS_MS, TRUSTED_WITHOUT_D1_MS } from "../thread/stream/ended-keys.ts";
import { readKeyId } from "./api-key.ts";
import type { AppContext, AppEnv, Authenticator, Caller, Guess } from "./context.ts";
import { Problem } from "./errors.ts";

// How long a deleted key may still work in other isolates. In the one that deletes it, it stops working at once. What it
// opens until then ends in time (`thread/stream/ended-keys.ts`).
const CACHED_MS = 10_000;

const D1_LIMIT_MS = 3_000;
const D1_PAUSE_MS = 2_000;

// Beyond this number the oldest is dropped, whatever its age.
const MAX_CACHED_KEYS = 1000;

// Our keys are far shorter. This avoids hashing a header of a megabyte.
const KEY_CHARACTERS = 1024;

interface CachedKey {
  key_id: string;
  hash: string;
  user_id: string;
  /** D1 is not asked again before this time. */
  until: number;
  confirmed_at: number;
}

export function createAuthenticator(now: () => number = Date.now): Authenticator {
  const cached = new Map<string, CachedKey>();

  async function recognizeStored(
    key_id: string,
    hash: Uint8Array,
    db: D1Database,
    guess: Guess | undefined,
  ): Promise<Caller | null> {
    const known = cached.get(key_id);
    if (!known) guess?.look();
    const fresh = known && known.until > now() ? known : await (known ? refresh(known, db) : load(key_id, db));
    if (!fresh || !equalInConstantTime(fromHex(fresh.hash), hash)) return null;
    return { user_id: fresh.user_id, key_id, confirmed_at: fresh.confirmed_at, is_admin: false };
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
    const row = await findApiKey(db, key_id);
    cached.delete(key_id);
    if (!row) return null;
    const entry = { ...row, key_id, until: confirmed_at + CACHED_MS, confirmed_at };
    cached.set(key_id, entry);
    const [oldest] = cached.keys();
    if (cached.size > MAX_CACHED_KEYS && oldest !== undefined) cached.delete(oldest);
    return entry;
  }

  return {
    async recognize(key, config, db, guess) {
      const hash = await hashText(key);
      const admin = config.admin_api_key === null ? null : await hashText(config.admin_api_key);
      if (admin && equalInConstantTime(admin, hash)) {
        // A long one can't be guessed, and must not be kept out.
        if (isShortKey(config.admin_api_key)) guess?.check();
        return { user_id: FIRST_USER_ID, key_id: ADMIN_KEY_ID, confirmed_at: now(), is_admin: true };
      }
      const key_id = readKeyId(key);
      return key_id === null ? null : await recognizeStored(key_id, hash, db, guess);
    },
    forget(key_id) {
      cached.delete(key_id);
    },
  };
}

/** Lets a request with a valid key pass, and refuses any other with the reason. */
export const requireKey = createMiddleware<AppEnv>(async (context, next) => {
  context.set("caller", await identify(context));
  await next();
});

/** Asks again for the key of a request that took its time to arrive. */
export async function confirmKey(context: AppContext): Promise<void> {
  const { confirmed_at } = context.get("caller");
  if (Date.now() - confirmed_at > CHECK_KEYS_MS) context.set("caller", await identify(context));
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

/** Gives back the guess unless the key is wrong. While D1 fails, nobody knows. */
async function recognizeOnce(context: AppContext, key: string, guess: Guess): Promise<Caller | null> {
  let isWrong = false;
  try {
    const caller = await context.get("authenticator").recognize(key, context.get("config"), context.env.DB, guess);
    isWrong = caller === null;
    return caller;
  } finally {
    if (!isWrong) guess.giveBack();
  }
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
