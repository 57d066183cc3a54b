// What a thread's object answers of its own rows, page by page, and what D1 gets of them.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Result } from "../../src/protocol/error.ts";
import type { Page, PageRequest } from "../../src/protocol/page.ts";
import type { MessageRequest } from "../../src/protocol/thread.ts";
import { readProject } from "../../src/store/projects/projects.ts";
import { readThread } from "../../src/store/threads.ts";
import { readStoredMessages, readStoredPlan, readStoredRuns } from "../fakes/stored-rows.ts";
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

describe("a thread's object", { timeout: 60_000 }, () => {
  it("lists its runs and messages page by page, and D1 stores the same", async () => {
    const { stub, key } = await madeThread();
    const stored = await readStoredMessages(env.DB, key);
    const runs = await readStoredRuns(env.DB, key);
    const [newest] = runs;
    const last_run = { invocation_id: newest?.invocation_id, status: "completed" };
    expect(await stub.readThread(key)).toEqual({ ok: true, value: { ...(await readThread(env.DB, key)), last_run } });
    expect(await stub.readPlan(key)).toEqual({ ok: true, value: await readStoredPlan(env.DB, key) });
    expect(runs).toHaveLength(7);
    expect(stored.length).toBeGreaterThan(12);
    const questions: (Pick<MessageRequest, "types" | "after"> & { expected: typeof stored })[] = [
      { types: [], after: null, expected: stored },
      {
        types: ["user", "status"],
        after: null,
        expected: stored.filter(({ type }) => type === "user" || type === "status"),
      },
      {
        ...{ types: ["assistant"], after: stored[3]?.message_id ?? "" },
        expected: stored.slice(4).filter(({ type }) => type === "assistant"),
      },
      { types: ["summary"], after: null, expected: [] },
    ];
    for (const limit of [1, 3, 200]) {
      const pages = await readAll((request) => stub.readRuns(key, request), limit);
      expect(pages.flat()).toEqual(runs);
      expect(pages[0]).toHaveLength(Math.min(limit, 7));
      for (const { expected, ...question } of questions) {
        const read = await readAll((request) => stub.readMessages(key, { ...request, ...question }), limit);
        expect(read.flat()).toEqual(expected);
      }
    }
  });

  it("has its thread and the project that it made in D1 once it was read, for lists and what the project owns", async () => {
    const client = threadClient();
    const { key } = client;
    const { body } = await client.post("[[stall]]", { invocation_id: "inv_new" });
    const read = await client.stub.readThread(key);
    const project_id = read.ok ? read.value.project_id : "";
    expect(await readThread(env.DB, key)).toMatchObject({ project_id });
    expect(await readProject(env.DB, key.user_id, project_id)).not.toBeNull();
    await body?.cancel();
    await client.stub.cancel(key, "inv_new");
  });

  it("ends a page before it has more than 4 MB, and says when a shorter one was cut", async () => {
    const { stub, key } = await madeThread();
    const request = { types: [], after: null, limit: 200, cursor: null };
    const long = await stub.readMessages(key, request);
    expect(long).toMatchObject({ value: { is_cut: false, next_cursor: expect.any(String) } });
    const short = await stub.readMessages(key, request, 256_000);
    expect(short).toMatchObject({ value: { is_cut: true } });
    if (!long.ok || !short.ok) throw new Error("a page was refused");
    expect(long.value.data.slice(0, short.value.data.length)).toEqual(short.value.data);
    expect(JSON.stringify(short.value.data).length).toBeLessThan(300_000);
    expect(JSON.stringify(long.value.data).length).toBeLessThan(4_300_000);
    expect((await stub.readMessages(key, { ...request, types: ["status"] }, 256_000)).ok).toBe(true);
  });

  it("refuses a cursor that it did not make, and a message that it does not have", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[text ok]]"));
    const { stub, key } = client;
    const request = { types: [], after: null, limit: 1, cursor: null };
    for (const wrong of [{ after: "msg_unknown" }, { cursor: "nonsense" }]) {
      expect(await stub.readMessages(key, { ...request, ...wrong })).toMatchObject({ error: { code: "bad_cursor" } });
    }
    expect(await stub.readRuns(key, { limit: 1, cursor: "nonsense" })).toMatchObject({ error: { code: "bad_cursor" } });
  });
});

describe("the routes of one thread", () => {
  it("ask its object alone, once each", async () => {
    const client = createClient();
    await client.send("POST", "/v1/threads", { thread_id: "thread-r" });
    const parts = ["", "/messages", "/tasks", "/runs"];
    client.threads.asked.length = 0;
    for (const part of parts) expect((await client.send("GET", `/v1/threads/thread-r${part}`)).status).toBe(200);
    const asked = client.threads.asked.map(({ method }) => method);
    expect(asked).toEqual(["readThread", "readMessages", "readPlan", "readRuns"]);
    for (const part of parts) expect((await client.send("GET", `/v1/threads/nobody${part}`)).status).toBe(404);
  });
});
