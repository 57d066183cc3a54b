import { type Config, type Env, readConfig } from "../../src/config.ts";

/** A server without any setting. */
export const noSettings: Config = readConfig({} as Env);
