// What every route can read of a request beside its bytes: bindings, settings, the caller.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Config, Env } from "../config.ts";
import type { KeyKind } from "../protocol/keys/kind.ts";
import type { Scope } from "../protocol/keys/scope.ts";
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
  };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;

export interface Authenticator {
  /**
   * Returns the caller to whom the key belongs; null if nobody. Throws a `Problem` if the key has expired. With `guess`,
   * a key that is not known here counts as one before D1 is read. `later` receives what is done after the answer.
   */
  recognize(
    key: string,
    config: Config,
    db: D1Database,
    options?: { guess?: Guess; later?: (work: Promise<void>) => void },
  ): Promise<Caller | null>;
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
  /** Whether the key was wrong a moment ago: that costs nothing again. */
  isRepeated(key: string): Promise<boolean>;
  /** The key was wrong. Throws 429, as `look` does, if that was not called before. */
  fail(): void;
  /** After `fail`, for what may be sent again: a key, and no ticket. */
  remember(key: string): Promise<void>;
}

export interface Guesses {
  /** For each request anew. */
  open(context: AppContext): Guess;
}
