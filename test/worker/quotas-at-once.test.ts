// How many runs a user may have at once, and what it costs to know.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clearTriggers } from "./hook-client.ts";
import { type Client, createClient } from "./http-client.ts";
import { expectRefused, run, serverWith } from "./quota-server.ts";

beforeEach(() => {
  // All that a test sends falls into one minute.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await clearTriggers();
});

describe("runs at once", () => {
  it("are refused beyond the quota, whatever threads they are in, until some have ended", async () => {
    const { user, user_id, written } = await serverWith({ runs_at_once: 4 });
    const statuses = [];
    for (let count = 0; count < 7; count++) statuses.push((await run(user, `thread-${count}`)).status);
    expect(statuses).toEqual([202, 202, 202, 202, 429, 429, 429]);
    const writes = written.length;
    expectRefused(await run(user, "thread-9"), "runs_at_once");
    await env.DB.prepare("UPDATE runs SET status = 'completed' WHERE user_id = ? AND thread_id = 'thread-0'")
      .bind(user_id)
      .run();
    vi.setSystemTime(Date.now() + 2_000);
    expect((await run(user, "thread-7")).status).toBe(202);
    vi.setSystemTime(Date.now() + 2_000);
    expectRefused(await run(user, "thread-8"), "runs_at_once");
    expect(written.slice(writes).length).toBeLessThan(20);
  });

  it("are refused before a body is read once it is known that there are too many", async () => {
    const { user, user_id } = await serverWith({ runs_at_once: 1 });
    const spoilt = () => user.send("POST", "/v1/threads/thread-q/runs", "{");
    expect((await run(user)).status).toBe(202);
    expectRefused(await run(user), "runs_at_once");
    expectRefused(await spoilt(), "runs_at_once");
    await env.DB.prepare("UPDATE runs SET status = 'completed' WHERE user_id = ?").bind(user_id).run();
    vi.setSystemTime(Date.now() + 2_000);
    expect((await spoilt()).body.code).toBe("bad_json");
    expect((await run(user)).status).toBe(202);
  });

  it("that are refused do not use up the runs of the minute", async () => {
    const { user, user_id } = await serverWith({ runs_at_once: 1, runs_per_minute: 3 });
    expect((await run(user)).status).toBe(202);
    for (let count = 0; count < 5; count++) expectRefused(await run(user, "thread-next"), "runs_at_once");
    await env.DB.prepare("UPDATE runs SET status = 'completed' WHERE user_id = ?").bind(user_id).run();
    vi.setSystemTime(Date.now() + 2_000);
    expect((await run(user, "thread-next")).status).toBe(202);
  });

  it("are refused also in a burst that comes to an isolate which knows nothing yet", async () => {
    const { client, user_id, QUOTAS } = await serverWith({ runs_at_once: 10 });
    const made = await client.send("POST", "/v1/users", { user_id: `${user_id}_burst` });
    const burst = async (isolate: Client) => {
      const user = isolate.as(String(made.body.api_key));
      const answers = await Promise.all(Array.from({ length: 50 }, (_, count) => run(user, `thread-${count}`)));
      return answers.filter(({ status }) => status === 202).length;
    };
    for (let count = 0; count < 10; count++) await run(client.as(String(made.body.api_key)), `thread-${count}`);
    // Half of what would be free is let start before D1 is asked.
    expect(await burst(createClient({ QUOTAS }))).toBe(5);
  });

  it("are not asked for while a user starts few", async () => {
    const asked: string[] = [];
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "prepare") {
          return (query: string) => {
            if (query.includes("runs_live")) asked.push(query);
            return target.prepare(query);
          };
        }
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { user } = await serverWith({ runs_at_once: 200 }, { DB });
    for (let count = 0; count < 20; count++) expect((await run(user)).status).toBe(202);
    expect(asked).toEqual([]);
    for (let count = 0; count < 20; count++) expect((await run(user)).status).toBe(202);
    expect(asked).toHaveLength(1);
  });

  it("keep nobody out while D1 fails", async () => {
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "prepare") {
          return (query: string) => {
            if (query.includes("runs_live")) throw new Error("D1 is away");
            return target.prepare(query);
          };
        }
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { user } = await serverWith({ runs_at_once: 1 }, { DB });
    expect((await run(user)).status).toBe(202);
  });
});
