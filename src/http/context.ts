// What every route can read of a request beside its bytes: bindings, settings, the caller.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Config, Env } from "../config.ts";

export interface Caller {
  user_id: string;
  /** The key that the request brought, or for a ticket's bearer the one that asked for the ticket. */
  key_id: string;
  /** When D1 last said that the key holds. */
  confirmed_at: number;
  /** Whether the request has the admin key of the settings. */
  is_admin: boolean;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    request_id: string;
    config: Config;
    /** Set on every route that needs a key. */
    caller: Caller;
    authenticator: Authenticator;
  };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;

export interface Authenticator {
  /** Returns the caller to whom the key belongs; null if nobody. */
  recognize(key: string, config: Config, db: D1Database): Promise<Caller | null>;
  /** Call this when a key is deleted, so that this isolate refuses it from now on. */
  forget(key_id: string): void;
}
