// What the routes know of a request beyond its bytes.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Config, Env } from "../config.ts";

export interface Caller {
  user_id: string;
  /** Holds the key that settings name. */
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
  /** The caller whose key it is, if any. */
  recognize(key: string, config: Config, db: D1Database): Promise<Caller | null>;
  /** A deleted key opens nothing from now on. */
  forget(key_id: string): void;
}
