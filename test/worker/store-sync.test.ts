// The rows of D1 after syncs of a thread, in the real local database.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { MessageBody } from "../../src/protocol/message.ts";
import { readProject } from "../../src/store/projects/projects.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { readRun } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { readThread } from "../../src/store/threads.ts";
import { readStoredMessages, readStoredPlan, readStoredRuns } from "../fakes/stored-rows.ts";
import { countChanges } from "./counted-database.ts";
import { at, makeRun } from "./http-fake-threads.ts";
import { batchOf, makeKey, makeMessage, makeThread, readMessages, says } from "./sync-rows.ts";

describe("syncThread", () => {
  it("stores a project, a thread, its messages and its runs so that they read back the same", async () => {
    const key = makeKey();
    const body = says('hé\u0000llo 😀 \\ " \ud83d\ude00');
    const { version: _version, ...message } = makeMessage(key, 7, body, { metadata: { a: [1, null] } });
    const run = makeRun(key, { result: { text: "done", unfinished_tasks: 0 } });
    await syncThread(
      env.DB,
      batchOf(key, {
        project: { project_id: "proj-sync", name: "Shop", created_at: at },
        thread: makeThread(key, 1, "Shop"),
        messages: [{ ...message, version: 1 }],
        runs: [{ ...run, version: 1 }],
      }),
    );
    expect(await readMessages(key)).toEqual([message]);
    expect(await readRun(env.DB, key, "inv-001")).toEqual(run);
    expect(await readThread(env.DB, key)).toMatchObject({ title: "Shop", metadata: { lang: "zh" } });
    expect(await readProject(env.DB, key.user_id, "proj-sync")).toMatchObject({ name: "Shop", git: null });
  });

  it("writes nothing the second time", async () => {
    const key = makeKey();
    const { db, changes } = countChanges();
    const batch = batchOf(key, {
      project: { project_id: "proj-twice", name: "Shop", created_at: at },
      thread: makeThread(key, 1, null),
      messages: [makeMessage(key, 1), makeMessage(key, 2, says("x".repeat(1_500_000)))],
      runs: [{ ...makeRun(key), version: 1 }],
    });
    await syncThread(db, batch);
    const first = changes();
    await syncThread(db, batch);
    expect(first).toBeGreaterThan(4);
    expect(changes()).toBe(first);
  });

  it("never moves a row backwards", async () => {
    const key = makeKey();
    const newer = batchOf(key, {
      thread: makeThread(key, 5, "new"),
      messages: [makeMessage(key, 1, says("new"), { version: 5 })],
      runs: [{ ...makeRun(key, { status: "completed" }), version: 5 }],
    });
    const older = batchOf(key, {
      thread: makeThread(key, 4, "old"),
      messages: [makeMessage(key, 1, says("old"), { version: 4 })],
      runs: [{ ...makeRun(key, { status: "running" }), version: 4 }],
    });
    await syncThread(env.DB, newer);
    await syncThread(env.DB, older);
    expect((await readThread(env.DB, key))?.title).toBe("new");
    expect((await readMessages(key))[0]).toMatchObject(says("new"));
    expect((await readRun(env.DB, key, "inv-001"))?.status).toBe("completed");
  });

  it("writes nothing for a deleted thread", async () => {
    const key = makeKey();
    const { db, changes } = countChanges();
    await syncThread(env.DB, batchOf(key, { thread: makeThread(key, 1, null), messages: [makeMessage(key, 1)] }));
    await deleteThread(env.DB, key, Date.parse(at));
    await syncThread(
      db,
      batchOf(key, {
        project: { project_id: "proj-late", name: "Late", created_at: at },
        thread: makeThread(key, 9, "back"),
        messages: [makeMessage(key, 2), makeMessage(key, 3, says("y".repeat(1_200_000)))],
        runs: [{ ...makeRun(key), version: 9 }],
      }),
    );
    expect(changes()).toBe(0);
    expect(await readThread(env.DB, key)).toBeNull();
    expect(await readMessages(key)).toEqual([]);
    expect(await readProject(env.DB, key.user_id, "proj-late")).toBeNull();
  });

  it("leaves a tombstone for a thread that D1 never had, and deletes twice without harm", async () => {
    const key = makeKey();
    await deleteThread(env.DB, key, Date.parse(at));
    await deleteThread(env.DB, key, Date.parse(at) + 1);
    await syncThread(env.DB, batchOf(key, { thread: makeThread(key, 1, "late") }));
    expect(await readThread(env.DB, key)).toBeNull();
  });

  it("stores content and metadata of several megabytes, and reads the newer ones after they shrank", async () => {
    const key = makeKey();
    const reply = (content: string): MessageBody => ({ type: "assistant", content: { role: "assistant", content } });
    const long = reply(`${"é😀\\".repeat(400_000)}end`);
    const metadata = { xml: "<a>".repeat(500_000) };
    const small = makeMessage(key, 2);
    await syncThread(env.DB, batchOf(key, { messages: [makeMessage(key, 1, long, { metadata }), small] }));
    const [first] = await readMessages(key);
    expect(first?.content).toEqual(long.content);
    expect(first?.metadata).toEqual(metadata);
    const shrunk = reply("z".repeat(1_100_000));
    await syncThread(env.DB, batchOf(key, { messages: [makeMessage(key, 1, shrunk, { version: 2 })] }));
    expect((await readMessages(key))[0]).toMatchObject({ ...shrunk, metadata: {} });
  });

  it("splits a batch with more messages than one statement may bind", async () => {
    const key = makeKey();
    const messages = Array.from({ length: 12 }, (_, index) => makeMessage(key, index + 1, says("q".repeat(300_000))));
    await syncThread(env.DB, batchOf(key, { messages }));
    expect(
      await env.DB.prepare("SELECT count(*) n FROM messages WHERE thread_id = ?").bind(key.thread_id).first("n"),
    ).toBe(12);
  });

  it("cuts the texts of a run that would not fit into a row", async () => {
    const key = makeKey();
    const result = { text: "😀".repeat(2_000_000), unfinished_tasks: 2 };
    const interrupt = {
      id: "int-1",
      reason: "question" as const,
      message: "?".repeat(3_000_000),
      tool_call_id: "call-1",
      response_schema: { enum: ["x".repeat(3_000_000)] },
      expires_at: null,
    };
    await syncThread(
      env.DB,
      batchOf(key, { runs: [{ ...makeRun(key, { result, interrupts: [interrupt] }), version: 1 }] }),
    );
    const run = await readRun(env.DB, key, "inv-001");
    expect(run?.result?.unfinished_tasks).toBe(2);
    expect(run?.result?.text).toMatch(/^😀+\n\[cut; /u);
    expect(run?.interrupts).toMatchObject([{ id: "int-1", response_schema: {} }]);
  });

  it("cuts the questions of a run that together would not fit into a row", async () => {
    const key = makeKey();
    const message = "问".repeat(90_000);
    const interrupts = Array.from({ length: 20 }, (_, place) => ({
      id: `int-${place}`,
      reason: "question" as const,
      message,
      tool_call_id: `call-${place}`,
      response_schema: {},
      expires_at: null,
    }));
    await syncThread(env.DB, batchOf(key, { runs: [{ ...makeRun(key, { interrupts }), version: 1 }] }));
    const run = await readRun(env.DB, key, "inv-001");
    expect(run?.interrupts.map(({ id }) => id)).toEqual(interrupts.map(({ id }) => id));
    expect(run?.interrupts[19]?.message).toMatch(/^问+\n\[cut; /u);
  });

  it("keeps threads, runs and messages of two users with the same ids apart", async () => {
    const ada = { user_id: "user_ada", thread_id: "same" };
    const bob = { user_id: "user_bob", thread_id: "same" };
    for (const key of [ada, bob]) {
      const title = `of ${key.user_id}`;
      await syncThread(
        env.DB,
        batchOf(key, {
          thread: makeThread(key, 1, title),
          messages: [makeMessage(key, 1, says(title))],
          runs: [{ ...makeRun(key), version: 1 }],
        }),
      );
    }
    await deleteThread(env.DB, bob, Date.parse(at));
    expect((await readThread(env.DB, ada))?.title).toBe("of user_ada");
    expect(await readMessages(ada)).toMatchObject([says("of user_ada")]);
    expect(await readStoredRuns(env.DB, ada)).toMatchObject([{ user_id: "user_ada" }]);
    expect(await readMessages(bob)).toEqual([]);
  });
});

describe("superseded messages", () => {
  const range = { by: "inv-002", at, from: 2, through: 3 };

  it("are marked once, also in batches that come late, twice or before some of them", async () => {
    const key = makeKey();
    const { db, changes } = countChanges();
    const plan: MessageBody = { type: "task_list", content: { sections: [], tasks: [] } };
    const rows = [makeMessage(key, 1), makeMessage(key, 2), makeMessage(key, 3, plan, { is_llm_message: false })];
    const long = makeMessage(key, 3, says("x".repeat(1_500_000)));
    await syncThread(db, batchOf(key, { messages: rows.slice(0, 2) }));
    // The first batch has not got all of the range.
    await syncThread(db, batchOf(key, { superseded: [range] }));
    await syncThread(db, batchOf(key, { messages: [long], superseded: [range] }));
    expect((await readMessages(key)).map(({ seq }) => seq)).toEqual([1]);
    const before = changes();
    await syncThread(db, batchOf(key, { messages: [...rows.slice(0, 2), long] }));
    await syncThread(db, batchOf(key, { superseded: [range, { ...range, by: "inv-003" }] }));
    expect(changes()).toBe(before);
    const all = await readStoredMessages(env.DB, key, { superseded: true });
    expect(all).toMatchObject([
      { seq: 1 },
      { seq: 2, type: "user", is_llm_message: true, superseded_by: "inv-002", superseded_at: at },
      { seq: 3, content: long.content, superseded_by: "inv-002" },
    ]);
    expect("superseded_by" in (all[0] ?? {})).toBe(false);
  });

  it("are no plan, and may give their id away", async () => {
    const key = makeKey();
    const plan: MessageBody = { type: "task_list", content: { sections: [], tasks: [] } };
    const rows = [makeMessage(key, 2), makeMessage(key, 3, plan, { is_llm_message: false, version: 4 })];
    const renamed = { seq: 2, message_id: "msg_old" };
    await syncThread(env.DB, batchOf(key, { messages: rows, superseded: [{ ...range, renamed }] }));
    expect((await readStoredPlan(env.DB, key))?.version).toBe(4);
    const all = await readStoredMessages(env.DB, key, { superseded: true });
    expect(all).toMatchObject([{ seq: 2, message_id: "msg_old" }, { seq: 3 }]);
  });
});
