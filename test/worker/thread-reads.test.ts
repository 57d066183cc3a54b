// While D1 lags, a thread's object answers what D1 would: the same rows, in the same pages.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Result } from "../../src/protocol/error.ts";
import type { Page, PageRequest } from "../../src/protocol/page.ts";
import type { MessageRequest } from "../../src/protocol/thread.ts";
import { listMessages } from "../../src/store/messages.ts";
import { listRuns } from "../../src/store/runs.ts";
import { readPlan } from "../../src/store/tasks.ts";
import { readThread } from "../../src/store/threads.ts";
import { createClient } from "./http-client.ts";
import { readUntil, threadClient } from "./thread-client.ts";

const plan = { sections: [{ title: "Shop", tasks: ["Look", "Build"] }] };

async function madeThread() {
  const client = threadClient();
  await readUntil(await client.post(`[[tool create_tasks ${JSON.stringify(plan)}]] [[text ok]]`, { max_steps: 3 }));
  for (let run = 0; run < 3; run++) await readUntil(await client.post(`[[text ${"answer".repeat(run + 1)}]]`));
  // More than an answer may hold, so the page ends early.
  for (let run = 0; run < 3; run++) await readUntil(await client.post(`[[text ok]] ${"x".repeat(1_500_000)}`));
  await client.stub.sync(client.key);
  return client;
}

/** Every page from the first to the last. */
async function readAll<T>(read: (request: PageRequest) => Promise<Result<Page<T>>>, limit: number): Promise<T[][]> {
  const pages: T[][] = [];
  let cursor: string | null = null;
  do {
    const page: Result<Page<T>> = await read({ limit, cursor });
    if (!page.ok) throw new Error(page.error.detail);
    pages.push(page.value.data);
    cursor = page.value.next_cursor;
  } while (cursor !== null);
  return pages;
}

describe("the object's answer", { timeout: 60_000 }, () => {
  it("is the same as D1's for thread, plan, runs and messages, page by page", async () => {
    const { stub, key } = await madeThread();
    expect(await stub.readThread(key)).toEqual({ ok: true, value: await readThread(env.DB, key) });
    expect(await stub.readPlan(key)).toEqual({ ok: true, value: await readPlan(env.DB, key) });
    for (const limit of [1, 3, 200]) {
      const runs = await readAll((request) => stub.readRuns(key, request), limit);
      expect(runs).toEqual(await readAll((request) => listRuns(env.DB, key, request), limit));
      expect(runs.flat().length).toBe(7);
    }
    const all = (
      await readAll((request) => stub.readMessages(key, { ...request, types: [], after: null }), 200)
    ).flat();
    const questions: Pick<MessageRequest, "types" | "after">[] = [
      { types: [], after: null },
      { types: ["user", "status"], after: null },
      { types: ["assistant"], after: all[3]?.message_id ?? "" },
      { types: ["summary"], after: null },
    ];
    for (const question of questions) {
      for (const limit of [1, 4, 200]) {
        const ofObject = await readAll((request) => stub.readMessages(key, { ...request, ...question }), limit);
        const ofStore = await readAll((request) => listMessages(env.DB, key, { ...request, ...question }), limit);
        expect(ofObject.flat()).toEqual(ofStore.flat());
        if (limit < 200) expect(ofObject.map((page) => page.length)).toEqual(ofStore.map((page) => page.length));
      }
    }
    expect(all.length).toBeGreaterThan(12);
  });

  it("is a refusal if D1 refuses the request", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[text ok]]"));
    const { stub, key } = client;
    const request = { types: [], after: null, limit: 1, cursor: null };
    for (const wrong of [{ after: "msg_unknown" }, { cursor: "nonsense" }]) {
      const ofStore = await listMessages(env.DB, key, { ...request, ...wrong });
      expect(await stub.readMessages(key, { ...request, ...wrong })).toEqual(ofStore);
      expect(ofStore.ok).toBe(false);
    }
    expect(await stub.readRuns(key, { limit: 1, cursor: "nonsense" })).toMatchObject({ error: { code: "bad_cursor" } });
  });
});

describe("the routes", () => {
  it("read from the object while D1 lags, and from D1 alone otherwise", async () => {
    const client = createClient();
    await client.send("POST", "/v1/threads", { thread_id: "thread-r" });
    const parts = ["", "/messages", "/tasks", "/runs"];
    for (const isCurrent of [true, false]) {
      client.threads.isCurrent = isCurrent;
      client.threads.asked.length = 0;
      for (const part of parts) expect((await client.send("GET", `/v1/threads/thread-r${part}`)).status).toBe(200);
      const asked = client.threads.asked.map(({ method }) => method).filter((method) => method !== "sync");
      // A thread comes with its newest run.
      const ofObject = ["readThread", "readRuns", "readMessages", "readPlan", "readRuns"];
      expect(asked).toEqual(isCurrent ? [] : ofObject);
      for (const part of parts) expect((await client.send("GET", `/v1/threads/nobody${part}`)).status).toBe(404);
    }
  });
});
