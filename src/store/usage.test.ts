// Sums over runs as D1 makes them, against the same sums in whole numbers.
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../test/fakes/sqlite-d1.ts";
import type { Usage } from "../protocol/run.ts";
import { readUsage, readUsageOfUsers } from "./usage.ts";

const SINCE = "2026-11-01T00:00:00.000Z";

let d1: SqliteD1;
beforeEach(() => {
  d1 = openD1();
});
afterEach(() => void d1.read("DELETE FROM runs"));

let stored = 0;
function store(user_id: string, thread_id: string, run: unknown, created_at = "2026-11-26T07:00:00.000Z"): void {
  const text = typeof run === "string" ? run : JSON.stringify(run);
  const insert = "INSERT INTO runs VALUES (?, ?, ?, 'completed', 1, ?, ?, ?)";
  d1.read(insert, user_id, thread_id, `inv_${++stored}`, created_at, created_at, text);
}

const tokens = fc.integer({ min: 0, max: 2_000_000 });
/** In nanodollars. */
const cost = fc.option(fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 9e13 })));
const spent = fc.record({
  user_id: fc.constantFrom("ada", "bob"),
  thread_id: fc.constantFrom("t1", "t2"),
  project_id: fc.constantFrom("p1", "p2"),
  day: fc.integer({ min: 10, max: 28 }),
  ...{ input_tokens: tokens, output_tokens: tokens, cost },
});

it("are those of the runs to the nanodollar, and the same by day, thread, project and user", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(spent, { maxLength: 60 }), async (runs) => {
      d1.read("DELETE FROM runs");
      for (const { user_id, thread_id, project_id, day, cost, ...counts } of runs) {
        const usage = { ...counts, cached_input_tokens: 0, cost_usd: cost === null ? null : cost / 1e9 };
        store(user_id, thread_id, { project_id, usage }, `2026-11-${day}T23:59:59.999Z`);
      }
      const exact = (of: typeof runs): bigint => of.reduce((sum, { cost }) => sum + BigInt(cost ?? 0), 0n);
      const nano = (sums: Pick<Usage, "cost_usd">[]): bigint =>
        sums.reduce((sum, { cost_usd }) => sum + BigInt(Math.round((cost_usd ?? 0) * 1e9)), 0n);
      const adas = runs.filter(({ user_id }) => user_id === "ada");
      const of = async (filter: Parameters<typeof readUsage>[3]) =>
        nano(await readUsage(d1.binding, "ada", SINCE, filter));
      expect(await of({})).toBe(exact(adas));
      for (const thread_id of ["t1", "t2"]) {
        expect(await of({ thread_id })).toBe(exact(adas.filter((run) => run.thread_id === thread_id)));
        const both = adas.filter((run) => run.thread_id === thread_id && run.project_id === "p1");
        expect(await of({ thread_id, project_id: "p1" })).toBe(exact(both));
      }
      expect(await of({ project_id: "p2" })).toBe(exact(adas.filter(({ project_id }) => project_id === "p2")));
      for (const user_id of ["ada", "bob"])
        d1.read("INSERT OR IGNORE INTO users (user_id, created_at) VALUES (?, '')", user_id);
      const users = await readUsageOfUsers(d1.binding, SINCE, 10);
      expect(nano(users)).toBe(exact(runs));
      expect(users.reduce((sum, { input_tokens }) => sum + input_tokens, 0)).toBe(
        runs.reduce((sum, { input_tokens }) => sum + input_tokens, 0),
      );
    }),
    { numRuns: 50 },
  );
});

it("count a run that can't be read or has no usage as one that used nothing", async () => {
  const usage = { input_tokens: 3, cached_input_tokens: 1, output_tokens: 2, cost_usd: 0.1 };
  store("ada", "t1", "{broken");
  store("ada", "t1", "null");
  store("ada", "t1", { project_id: "p1", status: "completed" });
  store("ada", "t1", { project_id: "p1", usage: { ...usage, cost_usd: null } });
  store("ada", "t1", { project_id: "p1", usage });
  d1.read("INSERT INTO users (user_id, created_at) VALUES ('ada', '')");
  const sum = { input_tokens: 6, cached_input_tokens: 2, output_tokens: 4, cost_usd: 0.1 };
  expect(await readUsage(d1.binding, "ada", SINCE)).toEqual([{ date: "2026-11-26", runs: 5, ...sum }]);
  expect(await readUsage(d1.binding, "ada", SINCE, { project_id: "p1" })).toMatchObject([{ runs: 3, ...sum }]);
  expect(await readUsageOfUsers(d1.binding, SINCE, 10)).toMatchObject([{ user_id: "ada", runs: 5, ...sum }]);
});
