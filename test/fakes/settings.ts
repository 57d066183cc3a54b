import { type Config, type Env, readConfig } from "../../src/config.ts";

/** A server where nothing is set. */
export const noSettings: Config = readConfig({} as Env);
