// The Worker with a D1 that takes its time for each batch, so that a client can be gone at any moment of an act.
import type { Env } from "../../src/config.ts";
import worker from "../../src/index.ts";

export { ThreadObject } from "../../src/index.ts";

const DELAY_MS = 30;

function slow(database: D1Database): D1Database {
  return new Proxy(database, {
    get(target, name) {
      const value = Reflect.get(target, name) as (...given: unknown[]) => unknown;
      if (name !== "batch") return typeof value === "function" ? value.bind(target) : value;
      return async (...given: unknown[]) => {
        await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
        return await value.apply(target, given);
      };
    },
  });
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry is one.
export default {
  ...worker,
  fetch: (request, env, context) => worker.fetch(request, { ...env, DB: slow(env.DB) }, context),
} satisfies ExportedHandler<Env>;
