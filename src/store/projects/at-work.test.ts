import { beforeEach, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { hasOthersAtWork, OTHERS_AT_WORK } from "./at-work.ts";

const now = Date.parse("2026-11-28T10:00:00.000Z");
const at = (minutes: number) => new Date(now + minutes * 60_000).toISOString();

let d1: SqliteD1;
beforeEach(() => {
  d1 = openD1();
});

function store(thread_id: string, status: string, [created, updated]: [number, number], project = "p1", user = "ada") {
  d1.read(
    "INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, metadata) VALUES (?, ?, ?, 'a', 1, ?, ?, '{}')",
    ...[user, thread_id, project, at(created), at(updated)],
  );
  const insert = "INSERT INTO runs VALUES (?, ?, 'inv_1', ?, 1, ?, ?, '{}')";
  d1.read(insert, user, thread_id, status, at(created), at(updated));
}
const isFound = () => hasOthersAtWork(d1.binding, { user_id: "ada", thread_id: "own" }, "p1", now);

it("finds a run of another thread of the project that works, or has ended since", async () => {
  expect(await isFound()).toBe(false);
  store("own", "running", [-5, 9]);
  store("elsewhere", "running", [-5, 9], "p2");
  store("other's", "running", [-5, 9], "p1", "eve");
  store("waits", "queued", [-5, 9]);
  store("long ago", "completed", [-9, -1]);
  expect(await isFound()).toBe(false);
  store("just ended", "cancelled", [-9, 1]);
  expect(await isFound()).toBe(true);
  d1.read("DELETE FROM runs WHERE thread_id = 'just ended'");
  expect(await isFound()).toBe(false);
  store("works", "running", [-6_000, 9]);
  expect(await isFound()).toBe(true);
});

it("reads no run of long ago", () => {
  const plan = d1.read<{ detail: string }>(`EXPLAIN QUERY PLAN ${OTHERS_AT_WORK}`, "ada", "own", "p1", at(0), at(0));
  const details = plan.map(({ detail }) => detail).join("\n");
  expect(details).toContain("runs_by_creation (user_id=? AND created_at>?)");
  expect(details).toContain("INDEX runs_live");
  expect(details).not.toMatch(/SCAN threads/);
});
