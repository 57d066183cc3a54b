import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeConfig } from "./config.ts";
import { Failure } from "./failure.ts";
import { readToml } from "./steps.ts";

const root = join(import.meta.dirname, "../..");
const base = await readToml(join(root, "wrangler.toml"));

function make(own: Record<string, unknown> = {}, environment = "production") {
  return makeConfig(base, own, { root, environment, assets: "/pages/web" });
}

interface Config {
  main: string;
  workers_dev: boolean;
  alias: Record<string, string>;
  assets: { directory: string; binding: string };
  d1_databases: Record<string, unknown>[];
  queues: { producers: Record<string, unknown>[]; consumers: Record<string, unknown>[] };
  ratelimits: { namespace_id: string }[];
  vars: Record<string, string>;
  routes: unknown;
}

function configOf(...args: Parameters<typeof make>): Config {
  return make(...args).config as unknown as Config;
}

describe("the configuration of a deployment", () => {
  it("is wrangler.toml with absolute paths, without anything local, for production", () => {
    const config = configOf();
    expect(config.main).toBe(join(root, "src/index.ts"));
    expect(config.alias.zod).toBe(join(root, "scripts/bundle/zod.ts"));
    expect(config.assets).toMatchObject({ directory: "/pages/web", binding: "ASSETS" });
    expect(config.d1_databases).toEqual([
      { binding: "DB", database_name: "taskloom", migrations_dir: join(root, "migrations") },
    ]);
    expect(config.vars).toEqual({ DEAD_QUEUE: "taskloom-dead" });
    for (const database of base.d1_databases as object[]) expect(database).not.toHaveProperty("database_id");
  });

  it("asks the Worker for every file where previews have a domain, and else for those without a hash", () => {
    const rules = (own: Record<string, unknown>, hasPreviews = false) => {
      const { config } = makeConfig(base, own, { root, environment: "production", assets: "/pages/web", hasPreviews });
      return (config.assets as { run_worker_first: unknown }).run_worker_first;
    };
    expect(rules({})).toEqual(["/*", "!/_taskloom/*"]);
    expect(rules({ vars: { PREVIEW_DOMAIN: "example-previews.com" } })).toBe(true);
    expect(rules({}, true)).toBe(true);
  });

  it("gives an environment names and rate limits of its own, always the same", () => {
    const { name, database, queues } = make({}, "staging");
    expect([name, database, queues]).toEqual([
      "taskloom-staging",
      "taskloom-staging",
      ["taskloom-staging-jobs", "taskloom-staging-dead"],
    ]);
    const config = configOf({}, "staging");
    expect(config.queues.producers.map(({ queue }) => queue)).toEqual([
      "taskloom-staging-jobs",
      "taskloom-staging-dead",
    ]);
    expect(config.queues.consumers.map(({ queue }) => queue)).toEqual([
      "taskloom-staging-jobs",
      "taskloom-staging-dead",
    ]);
    expect(config.vars.DEAD_QUEUE).toBe("taskloom-staging-dead");
    const ids = (own: Config) => own.ratelimits.map(({ namespace_id }) => namespace_id);
    expect(ids(config)).toEqual(ids(configOf({}, "staging")));
    const all = [configOf(), config, configOf({}, "test"), configOf({ name: "agents" })].flatMap(ids);
    expect(new Set(all).size).toBe(all.length);
    for (const id of all) expect(id).toMatch(/^[1-9]\d*$/);
  });

  it("has the operator's lines over it: values, vars, and entries of lists by what names them", () => {
    const routes = [{ pattern: "agent.example.com", custom_domain: true }];
    const config = configOf({
      ...{ routes, workers_dev: false, vars: { OPENAI_MODEL: "small", MAX_STEPS: 5 } },
      d1_databases: [{ binding: "DB", database_name: "theirs", database_id: "their-id" }],
      ratelimits: [{ name: "DELIVERY_LIMIT", namespace_id: "77" }],
      queues: { consumers: [{ queue: "taskloom-jobs", max_batch_size: 5 }] },
    });
    expect(config).toMatchObject({ routes, workers_dev: false });
    expect(config.vars).toEqual({ OPENAI_MODEL: "small", MAX_STEPS: 5, DEAD_QUEUE: "taskloom-dead" });
    expect(config.d1_databases).toEqual([
      { binding: "DB", database_name: "theirs", database_id: "their-id", migrations_dir: join(root, "migrations") },
    ]);
    expect(config.ratelimits[0]).toMatchObject({ name: "DELIVERY_LIMIT", namespace_id: "77", simple: { limit: 300 } });
    expect(config.ratelimits).toHaveLength((base.ratelimits as object[]).length);
    expect(config.queues.consumers[0]).toMatchObject({ max_batch_size: 5, max_retries: 5 });
  });

  it("refuses what would break the deployment", () => {
    const wrong: [own: Record<string, unknown>, message: RegExp][] = [
      [{ env: { staging: {} } }, /may not set `env`/],
      [{ main: "other.ts" }, /may not set `main`/],
      [{ migrations: [] }, /may not set `migrations`/],
      [{ name: "Not A Name" }, /can't be the Worker's name/],
      [{ name: "taskloom-" }, /can't be the Worker's name/],
      [{ name: "a".repeat(60) }, /`a{60}-jobs` can't be a queue's name/],
      [{ vars: "none" }, /`vars` must be a table/],
      [{ queues: { producers: [{ binding: "DEAD_JOBS", queue: "elsewhere" }] } }, /taskloom-dead has no producer/],
    ];
    for (const [own, message] of wrong) {
      expect(() => make(own)).toThrow(Failure);
      expect(() => make(own)).toThrow(message);
    }
  });
});
