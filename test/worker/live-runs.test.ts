// What an operator can do about a run that hangs, whoever's it is: find it, end it, and read no word of it.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { OLDEST_RUNS } from "../../src/store/monitor/live-runs.ts";
import { createClient } from "./http-client.ts";

const LIST = "/v1/server/runs";
const cancelOf = (user_id: string, run: string) => `/v1/users/${user_id}/threads/thread-1/runs/${run}/cancel`;

describe("a run that hangs", () => {
  it("is found by its age, and shows its ids alone", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_of_old");
    await ada.send("POST", "/v1/threads/thread-1/runs", { message: "canary", metadata: { a: "canary" } });
    await env.DB.prepare(
      `INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run) VALUES
       ('user_of_old', 'thread-1', 'inv-old', 'running', 1, '2020-01-01T00:00:00.000Z', '2020-01-01T01:00:00.000Z', '{}'),
       ('user_of_old', 'thread-1', 'inv-over', 'failed', 1, '2019-01-01T00:00:00.000Z', '2019-01-01T01:00:00.000Z', '{}'),
       ('user_of_old', 'thread-1', 'inv-well', 'queued', 1, '2020-01-02T00:00:00.000Z', '2999-01-01T00:00:00.000Z', '{}')`,
    ).run();
    const { status, body, text } = await admin.send("GET", `${LIST}?limit=2`);
    expect([status, body.data]).toEqual([
      200,
      [
        {
          ...{ user_id: "user_of_old", thread_id: "thread-1", invocation_id: "inv-old", status: "running" },
          ...{ created_at: "2020-01-01T00:00:00.000Z", updated_at: "2020-01-01T01:00:00.000Z" },
        },
        expect.objectContaining({ invocation_id: "inv-well", status: "queued" }),
      ],
    ]);
    // A healthy run says until when nobody need ask for it. No news comes from the future.
    expect(Date.parse(String(body.data?.[1]?.updated_at))).toBeLessThanOrEqual(Date.now());
    expect(text).not.toContain("canary");
    expect((await ada.send("GET", LIST)).status).toBe(403);
    expect((await admin.as(null).send("GET", LIST)).status).toBe(401);
  });

  it("is ended by an admin, which the audit records in its user's account", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_of_hung");
    await ada.send("POST", "/v1/threads/thread-1/runs", { message: "canary", invocation_id: "inv-hung" });
    expect((await ada.send("POST", cancelOf("user_of_hung", "inv-hung"))).status).toBe(403);
    const cancelled = await admin.send("POST", cancelOf("user_of_hung", "inv-hung"));
    expect(cancelled).toMatchObject({ status: 200, body: { status: expect.any(String) } });
    expect(Object.keys(cancelled.body)).toEqual(["status"]);
    expect(admin.threads.asked.map(({ method }) => method)).toContain("cancel");
    const { body } = await ada.send("GET", "/v1/audit?action=run.cancel");
    expect(body.data?.[0]).toMatchObject({
      ...{ user_id: "user_of_hung", actor_id: "user_first", key_id: "admin_key", action: "run.cancel" },
      ...{ target: "inv-hung", outcome: "done", details: { thread_id: "thread-1" } },
    });
  });

  it("is not found in another user's account", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_of_one");
    await ada.send("POST", "/v1/threads/thread-1/runs", { message: "hi", invocation_id: "inv-one" });
    for (const path of [cancelOf("user_of_one", "inv-two"), cancelOf("nobody", "inv-one")]) {
      expect((await admin.send("POST", path)).status).toBe(404);
    }
  });

  it("is looked for in a bounded time, while D1 hangs", async () => {
    const statement = { bind: () => statement, all: () => new Promise(() => {}) };
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => (query === OLDEST_RUNS ? statement : target.prepare(query));
      },
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await createClient({ DB }).send("GET", LIST)).status).toBe(500);
    vi.restoreAllMocks();
  });

  it("is looked for by the index of live runs", async () => {
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${OLDEST_RUNS}`)
      .bind(50, "2026-01-01T00:00:00.000Z")
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join("; ")).toContain("runs_live");
  });
});
