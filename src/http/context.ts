// What every route can read of a request beside its bytes: bindings, settings, the caller.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Config, Env } from "../config.ts";
import type { KeyKind } from "../protocol/keys/kind.ts";
import type { Scope } from "../protocol/keys/scope.ts";
import type { Quotas } from "../protocol/money/quotas.ts";
import type { FoundApiKey } from "../store/api-keys.ts";
import type { AdminStanding } from "./keys/admin-key.ts";

/** What proved who the caller is. A ticket's bearer has the kind of the key that asked for the ticket. */
export type CallerKind = KeyKind | "admin_key";

export interface Caller {
  user_id: string;
  kind: CallerKind;
  /** The key that the request brought, or for a ticket's bearer the one that asked for the ticket. */
  key_id: string;
  /** When D1 last said that the key holds. */
  confirmed_at: number;
  /** In milliseconds; null if the key never expires. */
  expires_at: number | null;
  /** What the key may do, or for a ticket's bearer what the ticket is for. */
  scopes: readonly Scope[];
  /** Whether it was given scopes. Any other key may do all that its user may, in later versions too. */
  is_limited: boolean;
  /** An admin's numbers for the user, in place of the settings'. */
  quotas?: Quotas | null;
  /** Of the admin key, if it does not act for the first user: why. */
  admin_standing?: Exclude<AdminStanding, "acts">;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    request_id: string;
    config: Config;
    /** Set on every route that needs a key. */
    caller: Caller;
    authenticator: Authenticator;
    guesses: Guesses;
    sessions: Sessions;
    /** Set once a session's cookie has proved who the caller is. */
    session?: ProvenSession;
  };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;

/** A row of a key or session, as this isolate remembers it for a few seconds. */
export interface KnownKey extends Omit<FoundApiKey, "expires_at" | "last_used_at"> {
  key_id: string;
  expires_at: number | null;
  last_used_at: number | null;
  /** When D1 last said that it holds. */
  confirmed_at: number;
}

export interface RecognizeOptions {
  guess?: Guess;
  later?: (work: Promise<void>) => void;
  hash?: Uint8Array;
}

export interface Authenticator {
  /**
   * Returns the caller to whom the key belongs; null if nobody. Throws a `Problem` if the key has expired. With `guess`,
   * a key that is not known here counts as one before D1 is read. `later` receives what is done after the answer, and
   * `hash` is the key's, if that is known.
   */
  recognize(key: string, config: Config, db: D1Database, options?: RecognizeOptions): Promise<Caller | null>;
  /** The row of a key or session, from memory or from D1 (`is_read`). Nothing is compared yet. */
  look(key_id: string, db: D1Database, guess?: Guess): Promise<{ key: KnownKey | null; is_read: boolean }>;
  /** The same from D1, whatever is remembered. */
  lookAgain(key_id: string, db: D1Database, guess?: Guess): Promise<KnownKey | null>;
  /** Stores when it was last used, if that is not known to the hour. */
  note(used: KnownKey, db: D1Database, later: (work: Promise<void>) => void): void;
  /**
   * Call this when a key is made or deleted, so that this isolate refuses a deleted one from now on, and asks anew what
   * the admin key may do.
   */
  forget(key_id: string): void;
  /** Call this when a user is changed or deleted: the same for all of the user's keys. */
  forgetUser(user_id: string): void;
}

/** What a request may try: `guesses.ts`. */
export interface Guess {
  /** Throws 429 if the address has tried too much. */
  check(): void;
  /** The same, and takes a little; once, however often it is called. Call it before a key is looked up. */
  look(): void;
  /** Returns what `look` took. The key was right, or could not be looked up. */
  giveBack(): void;
  /** Whether the key of this hash was wrong a moment ago: that costs nothing again. */
  isRepeated(hash: () => Promise<Uint8Array>): Promise<boolean>;
  /** The key was wrong. Throws 429, as `look` does, if that was not called before. */
  fail(): void;
  /** After `fail`, for what may be sent again: a key, and no ticket. */
  remember(hash: Uint8Array): void;
}

export interface Guesses {
  /** For each request anew. */
  open(context: AppContext): Guess;
}

export interface ProvenSession {
  session_id: string;
  /** The browser does not say which page asks: the request may only read. */
  is_unclear: boolean;
  /** The cookie that the answer is to bring, and when that was decided. */
  renewal: { cookie: string; at: number } | null;
}

export interface Sessions {
  /**
   * Returns whose session the request's cookie is; null if it brings none that counts here. Whoever `is_leaving` may be
   * disabled.
   */
  identify(context: AppContext, options?: { is_leaving?: boolean }): Promise<Caller | null>;
  /** Adds to the answer what the session needs. */
  answer(context: AppContext): void;
}
