// Receipts in D1: how they come, and how they are read, in the real local database.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/protocol/plan/check.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import type { ThreadBatch } from "../../src/store/batch.ts";
import { listReceipts, readReceiptsOfRun } from "../../src/store/receipts/read.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { syncThread } from "../../src/store/sync.ts";
import { makeReceipt } from "../fakes/receipts.ts";
import { countChanges } from "./counted-database.ts";

let threads = 0;

function makeKey(): ThreadKey {
  threads += 1;
  return { user_id: "user_receipts", thread_id: `thread-${threads}` };
}

function batchOf(key: ThreadKey, receipts: Receipt[], from = 1): ThreadBatch {
  const placed = receipts.map((receipt, place) => ({ ...receipt, seq: from + place }));
  return { key, project: null, thread: null, messages: [], runs: [], receipts: placed };
}

const all = { limit: 200, cursor: null };
const idsOf = (receipts: readonly Receipt[]) => receipts.map(({ receipt_id }) => receipt_id);

/** Ids are `rcpt_1`, `rcpt_2`, … */
const many = (count: number, part: Partial<Receipt> = {}) =>
  Array.from({ length: count }, (_, place) => makeReceipt({ receipt_id: `rcpt_${place + 1}`, ...part }));

async function read(key: ThreadKey, invocation_id = "inv_a", request: Parameters<typeof listReceipts>[3] = all) {
  const page = await listReceipts(env.DB, key, invocation_id, request);
  if (!page.ok) throw new Error(page.error.detail);
  return page.value;
}

describe("receipts of a batch", () => {
  it("read back the same, whatever their output holds", async () => {
    const key = makeKey();
    const output_head = "\u0000\u001b[31m]]>\\\"'\ud800 é😀\r\n";
    const hostile = makeReceipt({ output_head, output_tail: "\udc00", reason: "```", changed_files: ["a\nb"] });
    await syncThread(env.DB, batchOf(key, [hostile]));
    expect(await read(key)).toEqual({ data: [hostile], next_cursor: null });
  });

  it("cost one row each, and none if they come again", async () => {
    const key = makeKey();
    const { db, changes } = countChanges();
    await syncThread(db, batchOf(key, many(3)));
    expect(changes()).toBe(3);
    await syncThread(db, batchOf(key, many(3, { outcome: "failed" })));
    expect(changes()).toBe(3);
    const { data } = await read(key);
    expect(data.map(({ outcome }) => outcome)).toEqual(["passed", "passed", "passed"]);
    const rows = await env.DB.prepare(
      "SELECT seq, task_id, size, octet_length(content) AS bytes FROM receipts WHERE thread_id = ?",
    )
      .bind(key.thread_id)
      .all<{ seq: number; size: number; bytes: number }>();
    expect(rows.results.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    for (const { size, bytes } of rows.results) expect(size).toBe(bytes);
  });

  it("need as many statements as their bytes do", async () => {
    const key = makeKey();
    await syncThread(env.DB, batchOf(key, many(40, { output_head: "\u0001".repeat(8_000) })));
    expect(idsOf((await read(key)).data)).toHaveLength(40);
  });

  it("are not written for a deleted thread, and go with one", async () => {
    const key = makeKey();
    await syncThread(env.DB, batchOf(key, many(2)));
    await deleteThread(env.DB, key, Date.now());
    expect((await read(key)).data).toEqual([]);
    await syncThread(env.DB, batchOf(key, many(2)));
    expect((await read(key)).data).toEqual([]);
  });
});

describe("the receipts of a run", () => {
  it("come page by page, oldest first, without those of other runs, threads and users", async () => {
    const key = makeKey();
    const other = { ...key, user_id: "user_other" };
    for (const of of [key, other, makeKey()]) await syncThread(env.DB, batchOf(of, many(5)));
    await syncThread(env.DB, batchOf(key, many(2, { invocation_id: "inv_b" }), 6));
    await syncThread(env.DB, batchOf(key, many(2, { invocation_id: null }), 8));
    const first = await read(key, "inv_a", { limit: 2, cursor: null });
    const second = await read(key, "inv_a", { limit: 2, cursor: first.next_cursor });
    const third = await read(key, "inv_a", { limit: 2, cursor: second.next_cursor });
    expect([first, second, third].map(({ data }) => idsOf(data))).toEqual([
      ["rcpt_1", "rcpt_2"],
      ["rcpt_3", "rcpt_4"],
      ["rcpt_5"],
    ]);
    expect(third.next_cursor).toBeNull();
    expect(idsOf((await read(key, "inv_b")).data)).toEqual(["rcpt_1", "rcpt_2"]);
    expect(await read(key, "inv_none")).toEqual({ data: [], next_cursor: null });
  });

  it("ask for room where a page is long, and end a page at 4 MB", async () => {
    const key = makeKey();
    const long = { output_head: "\u0001".repeat(8_000) };
    for (let from = 1; from < 101; from += 50) {
      const receipts = Array.from({ length: 50 }, (_, place) =>
        makeReceipt({ receipt_id: `rcpt_${from + place}`, ...long }),
      );
      await syncThread(env.DB, batchOf(key, receipts, from));
    }
    const asked: number[] = [];
    const page = await listReceipts(env.DB, key, "inv_a", all, async (bytes) => void asked.push(bytes));
    if (!page.ok) throw new Error(page.error.detail);
    expect(asked).toEqual([4_000_000]);
    const shown = page.value.data.length;
    expect(shown).toBeGreaterThan(50);
    expect(shown).toBeLessThan(100);
    const rest = await read(key, "inv_a", { limit: 200, cursor: page.value.next_cursor });
    expect([shown + rest.data.length, rest.next_cursor]).toEqual([100, null]);
    const { receipts, is_whole } = await readReceiptsOfRun(env.DB, key, "inv_a");
    expect([idsOf(receipts).at(-1), is_whole, receipts.length]).toEqual(["rcpt_100", false, shown]);
  });

  it("leave out a row that can't be read", async () => {
    const key = makeKey();
    await syncThread(env.DB, batchOf(key, many(2)));
    await env.DB.prepare("UPDATE receipts SET content = '{' WHERE thread_id = ? AND seq = 1").bind(key.thread_id).run();
    expect(idsOf((await read(key)).data)).toEqual(["rcpt_2"]);
    expect(await readReceiptsOfRun(env.DB, key, "inv_a")).toMatchObject({ is_whole: true });
  });
});
