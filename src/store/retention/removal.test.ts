// A thread is deleted from a database that is full: SQLite itself says so here, at a bound of pages.
import { expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { listStrayThreads } from "../people/account-threads.ts";
import { isDatabaseFull } from "../server/full.ts";
import { readUsage } from "../usage.ts";
import { deleteThread, threadTables } from "./removal.ts";

const AT = "2026-11-20T10:00:00.000Z";

function fill(d1: SqliteD1, thread: string, messages: number): void {
  d1.read(
    `INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, title, metadata)
     VALUES ('ada', ?, 'p1', '', 1, ?, ?, 'Title', '{}')`,
    ...[thread, AT, AT],
  );
  const run = JSON.stringify({
    project_id: "p1",
    usage: { input_tokens: 5, cached_input_tokens: 0, output_tokens: 2 },
  });
  d1.read("INSERT INTO runs VALUES ('ada', ?, 'inv', 'completed', 1, ?, ?, ?)", thread, AT, AT, run);
  for (let seq = 1; seq <= messages; seq++) put(d1, thread, seq);
}

function put(d1: SqliteD1, thread: string, seq: number): void {
  d1.read(
    `INSERT INTO messages VALUES ('ada', ?, ?, ?, 'p1', 'inv', null, 'user', 1, 1, ?, 1000, '{}', ?, null)`,
    ...[thread, seq, `msg_${seq}`, AT, "x".repeat(1000)],
  );
}

it("makes room in a database that takes nothing more, and keeps what its runs used", async () => {
  const d1 = openD1();
  fill(d1, "old", 50);
  fill(d1, "new", 50);
  const [{ page_count = 0 } = {}] = d1.read<{ page_count: number }>("PRAGMA page_count");
  d1.read(`PRAGMA max_page_count = ${page_count}`);
  let refused: unknown;
  try {
    for (let seq = 51; ; seq++) put(d1, "new", seq);
  } catch (error) {
    refused = error;
  }
  expect(isDatabaseFull(refused)).toBe(true);
  await deleteThread(d1.binding, { user_id: "ada", thread_id: "old" }, Date.parse(AT), [], { is_expired: true });
  for (const table of [...threadTables, "runs"]) {
    expect(d1.read(`SELECT 1 FROM ${table} WHERE thread_id = 'old'`)).toEqual([]);
  }
  expect(d1.read("SELECT title, deleted_at FROM threads WHERE thread_id = 'old'")).toEqual([
    { title: null, deleted_at: AT },
  ]);
  const used = await readUsage(d1.binding, "ada", "2026-11-01T00:00:00.000Z");
  expect(used).toMatchObject([{ date: "2026-11-20", runs: 2, input_tokens: 10, output_tokens: 4 }]);
  put(d1, "new", 1_000);
});

it("empties every table that has rows of a thread, but for those that say why not", () => {
  const d1 = openD1();
  const named = d1.read<{ name: string }>(
    "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c ON c.name = 'thread_id' WHERE m.type = 'table'",
  );
  const kept = {
    threads: "the tombstone",
    leases: "closed with what was spent; the clock deletes them",
    trigger_deliveries: "the log of a trigger, for thirty days",
  };
  const expected = [...threadTables, "runs", ...Object.keys(kept)];
  expect(named.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
});

it("keeps usage once, whatever comes twice, and by project", async () => {
  const d1 = openD1();
  fill(d1, "old", 1);
  for (let time = 0; time < 2; time++) await deleteThread(d1.binding, { user_id: "ada", thread_id: "old" }, Date.now());
  const read = (project_id: string) => readUsage(d1.binding, "ada", "2026-11-01T00:00:00.000Z", { project_id });
  expect(await read("p1")).toMatchObject([{ runs: 1, input_tokens: 5, cost_usd: null }]);
  expect(await read("p2")).toEqual([]);
  await deleteThread(d1.binding, { user_id: "ada", thread_id: "gone" }, Date.now(), [], { owner_deleted: true });
});

it("finds receipts of a deleted thread that a backup brought back, with its owner's account", async () => {
  const d1 = openD1();
  await deleteThread(d1.binding, { user_id: "ada", thread_id: "old" }, Date.now());
  expect(await listStrayThreads(d1.binding, "ada", 9)).toEqual([]);
  d1.read("INSERT INTO receipts VALUES ('ada', 'old', 1, 'rcpt_1', 'inv', 'task_1', ?, 2, '{}')", AT);
  expect(await listStrayThreads(d1.binding, "ada", 9)).toEqual(["old"]);
  await deleteThread(d1.binding, { user_id: "ada", thread_id: "old" }, Date.now());
  expect(await listStrayThreads(d1.binding, "ada", 9)).toEqual([]);
});
