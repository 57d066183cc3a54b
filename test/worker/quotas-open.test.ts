// What is open at once, and refusals that come from elsewhere: a thread's object, and webhooks in a loop.
import { createExecutionContext, env, runInDurableObject, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { killObject, objectOf } from "./faulty-object.ts";
import { setLimits } from "./fixed-limits.ts";
import { clearTriggers, deliverTo, makeHook, signStandard } from "./hook-client.ts";
import { createClient } from "./http-client.ts";
import { FakeThreads } from "./http-fake-threads.ts";
import { agUi, run, serverWith } from "./quota-server.ts";
import { threadClient } from "./thread-client.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await clearTriggers();
});

describe("what is open", () => {
  it("counts streams until they are read to their end or left", async () => {
    const { user, user_id, QUOTAS } = await serverWith({ streams: 2 });
    expect(user).toBeDefined();
    const app = createApp();
    const bindings = new FakeThreads(env.DB).within(env, { QUOTAS });
    const made = await createClient().send("POST", "/v1/users", { user_id: `${user_id}_streams` });
    const waits: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => void waits.push(work) } as unknown as ExecutionContext;
    const headers = { authorization: `Bearer ${made.body.api_key}` };
    const open = async () => app.request("/v1/threads/thread-q/events", { headers }, bindings, context);
    const [first, second] = [await open(), await open()];
    expect([first.status, second.status, (await open()).status]).toEqual([200, 200, 429]);
    expect(await first.text()).toContain("RUN_STARTED");
    await expect.poll(async () => (await open()).status).toBe(200);
    expect((await open()).status).toBe(429);
    await second.body?.cancel();
    await expect.poll(async () => (await open()).status).toBe(200);
  });

  it("counts a stream that is passed on unread until its object says that it is over", async () => {
    const made = await createClient().send("POST", "/v1/users", { user_id: "user_of_passed_streams" });
    const authorization = `Bearer ${made.body.api_key}`;
    const app = createApp();
    setLimits({ streams: 1 });
    const bindings = { ...env } as Env;
    const execution = createExecutionContext();
    const thread = "/v1/threads/thread-of-passed-streams";
    const ask = async (path: string, init: RequestInit = {}) =>
      app.request(
        thread + path,
        { ...init, headers: { authorization, accept: "text/event-stream" } },
        bindings,
        execution,
      );
    const body = JSON.stringify({ message: "[[stall after 1]] [[say 2]]", invocation_id: "inv_passed" });
    const stream = await ask("/runs", { method: "POST", body });
    expect([stream.status, stream.headers.get("x-taskloom-stream")]).toEqual([200, null]);
    expect((await ask("/events")).status).toBe(429);
    await ask("/runs/inv_passed/cancel", { method: "POST" });
    expect(await stream.text()).toContain("RUN_FINISHED");
    await waitOnExecutionContext(execution);
    const next = await ask("/events");
    expect(next.status).toBe(200);
    await next.body?.cancel();
  });

  describe("counts a stream no longer whose object has ended with it", () => {
    /** A user whose one stream is of an object that works. */
    async function openOnly(user_id: string) {
      const made = await createClient().send("POST", "/v1/users", { user_id });
      setLimits({ streams: 1 });
      const bindings = { ...env } as Env;
      const headers = { authorization: `Bearer ${made.body.api_key}`, accept: "text/event-stream" };
      const body = JSON.stringify({ message: "[[stall after 1]] [[say 2]]" });
      const app = createApp();
      const open = async (thread_id: string) => {
        const request = { method: "POST", body, headers };
        return await app.request(`/v1/threads/${thread_id}/runs`, request, bindings, createExecutionContext());
      };
      const answers = [await open("dies"), await open("other")];
      expect(answers.map(({ status }) => status)).toEqual([200, 429]);
      return { key: { user_id, thread_id: "dies" }, open };
    }

    it("at once if it ends itself", async () => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const { key, open } = await openOnly("user_of_a_life_that_ends");
      await runInDurableObject(objectOf(key), (_own, { storage }) => storage.sql.exec("DROP TABLE meta"));
      const ask = async () => await threadClient(key.user_id, key.thread_id).stub.update(key, { title: "More" });
      expect(await ask().catch((error: Error) => error.message)).toContain("a transaction failed");
      expect((await open("other")).status).toBe(200);
    });

    it("half a minute later if the platform ends it", async () => {
      const { key, open } = await openOnly("user_of_a_life_that_is_ended");
      await killObject(key);
      const { now } = Date;
      vi.spyOn(Date, "now").mockImplementation(() => now() + 31_000);
      expect((await open("other")).status).toBe(200);
    });
  });

  it("is given back where nothing was opened", async () => {
    const { client, user } = await serverWith({ streams: 1 });
    for (let count = 0; count < 3; count++) {
      client.threads.next = { failure: { code: "not_found", detail: "There is no such thread." } };
      expect((await user.send("GET", "/v1/threads/thread-q/events")).status).toBe(404);
    }
    expect((await user.send("GET", "/v1/threads/thread-q/events")).status).toBe(200);
  });
});

describe("a thread's object that refuses with a time to wait", () => {
  it("reaches the client with it, by RPC and by a stream", async () => {
    const { client, user } = await serverWith({});
    const failure = { code: "quota_exceeded", detail: "It is used up.", retry_after_s: 7 } as const;
    const ask = [
      () => run(user),
      () => user.send("GET", "/v1/threads/thread-q/events"),
      () => user.send("POST", "/ag-ui", agUi),
    ];
    for (const each of ask) {
      client.threads.next = { failure };
      const answer = await each();
      expect([answer.status, answer.headers.get("retry-after"), answer.body.detail]).toEqual([
        429,
        "7",
        failure.detail,
      ]);
      client.threads.next = { failure: { code: "quota_exceeded", detail: "It is full." } };
      const full = await each();
      expect([full.status, full.headers.get("retry-after"), full.body.status]).toEqual([409, null, 409]);
    }
  });
});

describe("twenty webhooks in a loop", () => {
  it("start as many runs in a minute as the quota says, and leave no trace of the rest", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { client, user, written } = await serverWith({ runs_per_minute: 120 }, { DELIVERY_LIMIT: undefined });
    const hooks = await Promise.all(Array.from({ length: 20 }, () => makeHook(user)));
    const statuses: number[] = [];
    for (let round = 0; round < 10; round++) {
      const answers = hooks.map(({ trigger_id, secret }) =>
        deliverTo(user, trigger_id, "{}", signStandard(secret, "{}")),
      );
      statuses.push(...(await Promise.all(answers)).map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 202)).toHaveLength(120);
    expect(statuses.filter((status) => status === 429)).toHaveLength(80);
    expect(client.threads.asked.filter(({ method }) => method === "accept")).toHaveLength(120);
    expect(written.filter((query) => /trigger_deliveries/.test(query) && /^insert/i.test(query))).toHaveLength(120);
  });
});
