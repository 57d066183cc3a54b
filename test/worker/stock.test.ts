// Quotas of what users have by the thousand: threads, projects, stored bytes. A run that would make a thread too many
// is refused before its object is called, whatever starts it.
import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { admitStock } from "../../src/http/quotas/stock.ts";
import { newRunInput } from "../../src/protocol/thread.ts";
import { acceptFromSlack } from "../../src/slack/routes/threads.ts";
import { countStock } from "../../src/store/quotas/stock.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { fireTrigger } from "../../src/triggers/routes/start-run.ts";
import { countedDatabase } from "./counted-database.ts";
import type { Client } from "./http-client.ts";
import { addUserWith, stockClient, threadOf } from "./stock-client.ts";

const { db, written } = countedDatabase();
let app: Client;
beforeEach(() => {
  // Another isolate: it remembers nothing.
  app = stockClient(db);
});

const userWith = (user_id: string, quotas: Record<string, number>) => addUserWith(app, user_id, quotas);

/** The refusal of what is about to be made; null if it may be. */
const refusalOf = async (...asked: Parameters<typeof admitStock>) => (await admitStock(...asked)).refusal;

describe("a user without room for another thread", () => {
  it("starts runs in threads that are there, and in no other, whatever starts them; nothing is written and no object asked", async () => {
    const client = await userWith("user_threads", { things: 1 });
    await threadOf("user_threads", "there");
    // The key's use is noted once.
    await client.send("GET", "/v1/threads");
    written.length = 0;
    const requests: [string, unknown][] = [
      ["/v1/threads/new/runs", { message: "hi" }],
      ["/v1/threads", {}],
      ["/ag-ui", { threadId: "new", runId: "r", messages: [{ id: "m", role: "user", content: "hi" }] }],
    ];
    for (const [path, body] of requests) {
      const answer = await client.send("POST", path, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 409, "quota_exceeded"]);
      expect(answer.body.detail).toContain("quota of 1 threads (things)");
    }
    expect([written, client.threads.asked]).toEqual([[], []]);
    await client.send("POST", "/v1/threads/there/runs", { message: "hi" });
    expect(client.threads.asked).toHaveLength(1);
  });

  it("gets no run of a trigger or from Slack either", async () => {
    await userWith("user_others", { things: 0 });
    const bindings = app.threads.within({ ...env, DB: db });
    const trigger = {
      ...{ user_id: "user_others", trigger_id: "trig", type: "webhook", agent_id: "agent_default", project_id: null },
      ...{ thread: "new", enabled: true, prompt: "x", settings: {}, created_at: "", updated_at: "" },
    };
    written.length = 0;
    const firing = { id: "1", key: null, message: "hi", metadata: {} };
    const fired = await fireTrigger(bindings, trigger as unknown as Parameters<typeof fireTrigger>[1], firing);
    expect(fired).toMatchObject({ ok: false, error: { code: "quota_exceeded" } });
    const workspace = { user_id: "user_others", project_id: null } as Parameters<typeof acceptFromSlack>[1];
    const input = newRunInput({ user_id: "user_others", thread_id: "slack", invocation_id: "i", messages: [] });
    expect(await acceptFromSlack(bindings, workspace, input, false)).toMatchObject({
      error: { code: "quota_exceeded" },
    });
    expect([written, app.threads.asked]).toEqual([[], []]);
  });

  it("gets room within seconds once a thread is deleted", async () => {
    await userWith("user_deletes", { things: 1 });
    await threadOf("user_deletes", "there");
    const bindings = { ...env };
    const ask = (thread_id: string, now: number) => refusalOf(bindings, "user_deletes", { thread_id }, undefined, now);
    expect(await ask("new", 0)).toMatchObject({ code: "quota_exceeded" });
    await deleteThread(env.DB, { user_id: "user_deletes", thread_id: "there" }, Date.now());
    expect(await ask("new", 1_000)).toMatchObject({ code: "quota_exceeded" });
    expect(await ask("new", 6_000)).toBeNull();
  });
});

describe("fifty new threads at once through one isolate", () => {
  it("are as many as there is room for, and D1 is asked once for all", async () => {
    await userWith("user_fifty", { things: 10 });
    let counts = 0;
    const counting = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => {
          if (query.includes("LIMIT ?2")) counts += 1;
          return target.prepare(query);
        };
      },
    });
    const bindings = { ...env, DB: counting };
    const ask = (n: number) =>
      refusalOf(bindings, "user_fifty", { thread_id: `t${n}`, makes_project: true }, undefined, 0);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(n)));
    expect(answers.filter((refusal) => refusal === null)).toHaveLength(10);
    expect(counts).toBe(1);
    // What was admitted is known, and costs nothing more.
    expect(await ask(answers.indexOf(null))).toBeNull();
    expect(counts).toBe(1);
  });
});

describe("a count of D1", () => {
  /** Bindings whose D1 counts only when the test lets it. */
  function gated() {
    const counting: PromiseWithResolvers<void>[] = [];
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => {
          if (!query.includes("LIMIT ?2")) return target.prepare(query);
          const gate = Promise.withResolvers<void>();
          counting.push(gate);
          const first = async (...values: unknown[]) => {
            await gate.promise;
            return await target
              .prepare(query)
              .bind(...values)
              .first();
          };
          return { bind: (...values: unknown[]) => ({ first: () => first(...values) }) };
        };
      },
    });
    return { bindings: { ...env, DB }, counting };
  }

  it("whose request was cancelled keeps nobody else waiting, and is asked again", async () => {
    await userWith("user_cancelled", { things: 0 });
    const { bindings, counting } = gated();
    const ask = (now: number) => refusalOf(bindings, "user_cancelled", { thread_id: "t" }, undefined, now);
    const timer = vi.spyOn(globalThis, "setTimeout").mockImplementationOnce(() => 0 as never);
    void ask(0);
    timer.mockRestore();
    const next = ask(2_000);
    await vi.waitFor(() => expect(counting).toHaveLength(2), 20_000);
    counting[1]?.resolve();
    expect(await next).toMatchObject({ code: "quota_exceeded" });
  });

  it("that is old serves who has room until the next is there, and nobody who has used half of it", async () => {
    const { bindings, counting } = gated();
    await userWith("user_old_count", { things: 4 });
    const later: Promise<void>[] = [];
    const ask = (thread_id: string, now: number) =>
      refusalOf(bindings, "user_old_count", { thread_id }, (work) => void later.push(work), now);
    const first = ask("a", 0);
    await vi.waitFor(() => expect(counting).toHaveLength(1), 20_000);
    counting[0]?.resolve();
    expect(await first).toBeNull();
    for (const id of ["1", "2", "3", "4"]) await threadOf("user_old_count", id);
    // Nobody has answered the second count yet.
    expect(await ask("b", 600_000)).toBeNull();
    counting[1]?.resolve();
    await Promise.all(later);
    expect(await ask("c", 600_001)).toMatchObject({ code: "quota_exceeded" });
    const near = ask("d", 1_300_000);
    await vi.waitFor(() => expect(counting).toHaveLength(3), 20_000);
    await env.DB.prepare("DELETE FROM threads WHERE user_id = ?1").bind("user_old_count").run();
    counting[2]?.resolve();
    expect(await near).toBeNull();
  });
});

describe("what a thread's object refuses", () => {
  const refusal = { failure: { code: "not_found", detail: "The thread was deleted." } } as const;
  const refused: [string, (client: Client, thread: string) => Promise<unknown>][] = [
    ["a run", (client, thread) => client.send("POST", `/v1/threads/${thread}/runs`, { message: "hi" })],
    [
      "a run's stream",
      (client, thread) =>
        client.send("POST", `/v1/threads/${thread}/runs`, { message: "hi" }, { accept: "text/event-stream" }),
    ],
    ["a thread", (client, thread) => client.send("POST", "/v1/threads", { thread_id: thread })],
    [
      "AG-UI",
      (client, thread) =>
        client.send("POST", "/ag-ui", {
          ...{ threadId: thread, runId: "r", messages: [{ id: "m", role: "user", content: "x".repeat(300) }] },
        }),
    ],
  ];

  it.each(refused)("uses up nothing and is not taken for a thread that is there: %s", async (what, ask) => {
    const client = await userWith(`user_object_${what.replaceAll(/\W/g, "")}`, {
      things: 2,
      stored_bytes: 500,
    });
    for (const thread of ["a", "b", "c", "d"]) {
      client.threads.next = refusal;
      await ask(client, thread);
    }
    expect(client.threads.asked).toHaveLength(4);
    const run = async (thread: string) =>
      (await client.send("POST", `/v1/threads/${thread}/runs`, { message: "hi" })).status;
    expect([await run("e"), await run("f"), await run("a"), await run("b")]).toEqual([202, 202, 409, 409]);
  });

  it("uses up nothing where a trigger or Slack asked for it", async () => {
    await userWith("user_object_others", { things: 1 });
    const bindings = app.threads.within({ ...env, DB: db });
    const trigger = {
      ...{ user_id: "user_object_others", trigger_id: "trig", type: "webhook", agent_id: "agent_default" },
      ...{ project_id: null, thread: "new", enabled: true, prompt: "x", settings: {}, created_at: "", updated_at: "" },
    } as unknown as Parameters<typeof fireTrigger>[1];
    const workspace = { user_id: "user_object_others", project_id: null } as Parameters<typeof acceptFromSlack>[1];
    const fire = (id: string) => fireTrigger(bindings, trigger, { id, key: null, message: "hi", metadata: {} });
    const say = (thread_id: string) => {
      const input = newRunInput({ user_id: "user_object_others", thread_id, invocation_id: "i", messages: [] });
      return acceptFromSlack(bindings, workspace, input, false);
    };
    for (const ask of [() => fire("1"), () => say("one"), () => fire("2"), () => say("two")]) {
      app.threads.next = refusal;
      expect(await ask()).toMatchObject({ ok: false, error: { code: "not_found" } });
    }
    expect((await say("three")).ok).toBe(true);
    expect(await fire("3")).toMatchObject({ error: { code: "quota_exceeded" } });
  });

  it("stays counted where nobody knows whether it was made", async () => {
    const client = await userWith("user_object_unknown", { things: 1 });
    client.threads.next = { error: new Error("the object died") };
    const run = async (thread: string) =>
      (await client.send("POST", `/v1/threads/${thread}/runs`, { message: "hi" })).status;
    expect(await run("a")).toBe(500);
    expect(await run("b")).toBe(409);
  });
});

describe("projects", () => {
  it("are refused beyond the quota, also those that a thread makes, and a thread in a project is not", async () => {
    const client = await userWith("user_many_projects", { things: 2 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => client.send("POST", "/v1/projects", { project_id: `p${n}`, name: "P" })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    const writes = written.length;
    expect((await client.send("POST", "/v1/projects", { name: "P" })).body.detail).toContain("projects (things)");
    expect((await client.send("POST", "/v1/threads", {})).body.detail).toContain("projects (things)");
    expect([written.slice(writes), client.threads.asked]).toEqual([[], []]);
    const project_id = answers.find(({ status }) => status === 201)?.body.project_id;
    expect((await client.send("POST", "/v1/threads", { project_id })).status).toBe(201);
  });
});

describe("what is sent between two measures", () => {
  const sent = "x".repeat(600);

  it("counts, whatever starts the run", async () => {
    const agUi = (client: Client, thread: string) =>
      client.send("POST", "/ag-ui", {
        ...{ threadId: thread, runId: thread },
        messages: [{ id: `m-${thread}`, role: "user", content: sent }],
      });
    const client = await userWith("user_sends", { stored_bytes: 1_000 });
    const statuses = [];
    for (const thread of ["a", "b", "c"]) statuses.push((await agUi(client, thread)).status);
    expect(statuses).toEqual([200, 200, 409]);

    await userWith("user_fires", { stored_bytes: 1_000 });
    const trigger = {
      ...{ user_id: "user_fires", trigger_id: "trig", type: "webhook", agent_id: "agent_default", project_id: null },
      ...{ thread: "new", enabled: true, prompt: "x", settings: {}, created_at: "", updated_at: "" },
    } as unknown as Parameters<typeof fireTrigger>[1];
    const bindings = app.threads.within({ ...env, DB: db });
    const fire = (id: string) => fireTrigger(bindings, trigger, { id, key: null, message: sent, metadata: {} });
    expect([(await fire("1")).ok, (await fire("2")).ok, (await fire("3")).ok]).toEqual([true, true, false]);
  });

  it("does not count if it was refused", async () => {
    const client = await userWith("user_refused", { stored_bytes: 1_000, things: 1 });
    const run = (thread: string) => client.send("POST", `/v1/threads/${thread}/runs`, { message: sent });
    const answers = [await run("a"), await run("b"), await run("c"), await run("a")];
    expect(answers.map(({ status }) => status)).toEqual([202, 409, 409, 202]);
  });
});

describe("while D1 fails", () => {
  it("nobody is refused", async () => {
    const prepare = () => {
      throw new Error("D1 is away");
    };
    const DB = { prepare } as unknown as D1Database;
    const refusal = await refusalOf({ ...env, DB }, "user_away", { thread_id: "t", makes_project: true, bytes: 5 });
    expect(refusal).toBeNull();
  });
});

it("counts no further than is asked for", async () => {
  for (const id of ["a", "b", "c"]) await threadOf("user_counted", id);
  expect(await countStock(env.DB, "user_counted", 2)).toEqual({ threads: 2, projects: 0, quotas: null });
});
