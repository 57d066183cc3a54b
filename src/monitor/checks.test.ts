import { readdirSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SandboxError } from "../agent/sandbox.ts";
import { type Env, readConfig } from "../config.ts";
import { nameMissing, type SandboxProvider } from "../sandboxes/index.ts";
import { FIRST_MIGRATION, FORMER_DATABASE, NEWEST_MIGRATION } from "../store/monitor/schema-version.ts";
import { type Check, type CheckPorts, runChecks } from "./checks.ts";
import { createDeepHealth, REMEMBERED_MS } from "./deep-health.ts";

const SECRET = "sk-canary-0123456789";
const needed = ["ADMIN_API_KEY", "OPENAI_API_KEY", "ENCRYPTION_KEY", nameMissing()];
const settings = Object.fromEntries(needed.map((name) => [name, SECRET]));

interface World extends Partial<CheckPorts> {
  migration?: string | null;
  size?: number;
  secrets?: unknown[];
  env?: Record<string, string>;
}

function portsOf({
  migration = NEWEST_MIGRATION,
  size = 4096,
  secrets = [],
  env = settings,
  ...rest
}: World): CheckPorts {
  const statement = {
    bind: () => statement,
    first: async () => ({ oldest: migration, newest: migration }),
    run: async () => ({ meta: { size_after: size } }),
    all: async () => ({ results: secrets }),
    raw: async () => secrets,
  };
  return {
    config: readConfig(env as unknown as Env),
    database: { prepare: () => statement } as unknown as D1Database,
    queue: { metrics: async () => ({ backlogCount: 3, backlogBytes: 300 }) },
    timers: { setTimer: () => () => {} },
    now: () => 0,
    provider: { check: async () => {} } as unknown as SandboxProvider,
    checkModel: async () => null,
    ...rest,
  };
}

async function find(name: string, world: World): Promise<Check | undefined> {
  return (await runChecks(portsOf(world))).find((check) => check.name === name);
}

const broken = { prepare: () => ({ first: fails, run: fails, all: fails, raw: fails }) } as unknown as D1Database;
async function fails(): Promise<never> {
  throw new Error(`D1_ERROR: ${SECRET}`);
}

describe("the checks of a deployment", () => {
  it("pass when everything answers, and say what they found", async () => {
    expect(await runChecks(portsOf({}))).toEqual([
      { name: "settings", ok: true, ms: 0 },
      { name: "database", ok: true, ms: 0, details: { size_bytes: 4096 } },
      { name: "schema", ok: true, ms: 0, details: { applied: NEWEST_MIGRATION, expected: NEWEST_MIGRATION } },
      { name: "queue", ok: true, ms: 0, details: { messages: 3 } },
      { name: "secrets", ok: true, ms: 0, details: { waiting: 0, unreadable: 0 } },
      { name: "model:default", ok: true, ms: 0 },
      { name: "sandbox", ok: true, ms: 0 },
    ]);
  });

  it("name each secret that is missing", async () => {
    const { ok, problem } = (await find("settings", { env: {} })) ?? {};
    expect(ok).toBe(false);
    expect(problem).toBe(`Not set: ${needed.join(", ")}.`);
  });

  it("name a place that is none", async () => {
    const { problem } = (await find("settings", { env: { ...settings, JURISDICTION: "mars" } })) ?? {};
    expect(problem).toBe("JURISDICTION must be one of eu, us, fedramp, fedramp-high.");
  });

  it("name a setting that is wrong without its value", async () => {
    const check = await find("settings", { env: { ...settings, MODEL_SERVERS: SECRET } });
    expect(check?.problem).toMatch(/MODEL_SERVERS/);
    expect(JSON.stringify(check)).not.toContain("canary");
  });

  it("tell missing tables from newer ones, and from those of a version before 0.2.0", async () => {
    expect(await find("schema", { migration: "0017_receipts.sql" })).toMatchObject({ problem: FORMER_DATABASE });
    expect(await find("schema", { migration: null })).toMatchObject({ ok: false, details: { applied: "none" } });
    expect(await find("schema", { migration: "9999_later.sql" })).toMatchObject({ ok: true });
  });

  it("fail with words of our own while D1 or the queue fails", async () => {
    const checks = await runChecks(portsOf({ database: broken, queue: { metrics: fails } }));
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["database", "schema", "queue", "secrets"]);
    expect(JSON.stringify(checks)).not.toContain("canary");
  });

  it("fail once the database is nearly full", async () => {
    expect(await find("database", { size: 9_100_000_000 })).toMatchObject({
      ok: false,
      problem: "D1 holds 91 % of what it can hold.",
    });
  });

  it("say what the sandbox provider and each model server refused", async () => {
    const provider = {
      check: async () => {
        throw new SandboxError("unavailable", "It refused the key.");
      },
    } as unknown as SandboxProvider;
    const MODEL_SERVERS = JSON.stringify({ other: { base_url: "http://127.0.0.1:9/v1" } });
    const checks = await runChecks(
      portsOf({ provider, env: { ...settings, MODEL_SERVERS }, checkModel: async ({ name }) => `${name} is away` }),
    );
    expect(checks.filter(({ ok }) => !ok).map(({ name, problem }) => [name, problem])).toEqual([
      ["model:default", "default is away"],
      ["model:other", "other is away"],
      ["sandbox", "It refused the key."],
    ]);
  });

  it("end at their limit though one of them never answers", async () => {
    const timers = {
      setTimer: (callback: () => void) => {
        queueMicrotask(() => setTimeout(callback));
        return () => {};
      },
    };
    const stuck = await find("queue", { timers, queue: { metrics: () => new Promise(() => {}) } });
    expect(stuck).toMatchObject({ ok: false, problem: "There was no answer within 5 s." });
  });
});

describe("the migrations that the code knows", () => {
  it("are the first and the newest file", () => {
    const files = readdirSync("migrations").filter((name) => name.endsWith(".sql"));
    expect([files.sort()[0], files.at(-1)]).toEqual([FIRST_MIGRATION, NEWEST_MIGRATION]);
  });
});

describe("what was found", () => {
  it("is remembered for half a minute", async () => {
    let asked = 0;
    let now = 1_000_000;
    const read = createDeepHealth();
    const ports = portsOf({
      now: () => now,
      checkModel: async () => {
        asked++;
        return asked === 1 ? "away" : null;
      },
    });
    expect((await read(ports)).status).toBe("failing");
    now += REMEMBERED_MS - 1;
    expect((await read(ports)).status).toBe("failing");
    now += 1;
    expect((await read(ports)).status).toBe("ok");
    expect(asked).toBe(2);
  });
});

describe("a crowd that asks", () => {
  it("costs a model's server one look in half a minute, though it takes seconds to answer", async () => {
    let asked = 0;
    let now = 1_000_000;
    let answer: (problem: string | null) => void = () => {};
    const read = createDeepHealth();
    const ports = portsOf({
      now: () => now,
      checkModel: () => {
        asked++;
        return asked === 1 ? Promise.resolve(null) : new Promise((resolve) => (answer = resolve));
      },
    });
    expect((await read(ports)).status).toBe("ok");
    now += REMEMBERED_MS;
    const first = read(ports);
    const crowd = await Promise.all(Array.from({ length: 100 }, () => read(ports)));
    expect([asked, new Set(crowd.map(({ status }) => status))]).toEqual([2, new Set(["ok"])]);
    answer("away");
    expect((await first).status).toBe("failing");
    expect((await read(ports)).status).toBe("failing");
    expect(asked).toBe(2);
  });

  it("never gets what is older than a minute", async () => {
    let now = 1_000_000;
    let asked = 0;
    const read = createDeepHealth();
    const ports = portsOf({
      now: () => now,
      checkModel: () => (++asked === 1 ? Promise.resolve(null) : new Promise(() => {})),
      timers: {
        setTimer: (callback) => {
          setTimeout(callback);
          return () => {};
        },
      },
    });
    await read(ports);
    now += 2 * REMEMBERED_MS;
    const asking = Promise.all([read(ports), read(ports)]);
    expect((await asking).map(({ status }) => status)).toEqual(["failing", "failing"]);
    expect(asked).toBe(3);
  });
});

describe("a model's server", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    [200, null],
    [200, "web page answers", "text/html; charset=utf-8"],
    [404, null],
    [429, null],
    [401, "refused the key (status 401)"],
    [302, "sends requests elsewhere (status 302)"],
    [503, "answers and fails (status 503)"],
  ])("that answers %i", async (status, said, type = "application/json") => {
    const asked: [string, RequestInit][] = [];
    vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
      asked.push([String(url), init]);
      return new Response(SECRET, { status, headers: { "content-type": type } });
    });
    const { checkModel: _, ...ports } = portsOf({
      env: { ...settings, OPENAI_BASE_URL: `https://a:${SECRET}@model.example/v1?api-version=1` },
    });
    const check = (await runChecks(ports)).find(({ name }) => name === "model:default");
    expect(check?.ok).toBe(said === null);
    if (said !== null) expect(check?.problem).toContain(said);
    expect(JSON.stringify(check)).not.toMatch(/canary|example/);
    expect(asked[0]?.[0]).toContain("/v1/models?api-version=1");
  });
});
