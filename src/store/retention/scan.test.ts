// Which threads the clock finds, against the same rules in plain code.
import fc from "fast-check";
import { expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FIND_OLD, findOldThreads, hasOwnRetention, type ScanPlace } from "./scan.ts";

const NOW = Date.parse("2026-11-28T10:00:00.000Z");
const DAY = 24 * 3_600_000;
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString();

const age = fc.integer({ min: 0, max: 40 });
const days = fc.option(fc.integer({ min: 1, max: 30 }));
const thread = fc.record({
  user: fc.constantFrom("ada", "bob", "cleo"),
  project: fc.constantFrom("p1", "p2", "gone"),
  created: age,
  changed: age,
  ran: fc.option(age),
  keep: fc.constantFrom(true, false, null),
  ...{ triggered: fc.boolean(), deleted: fc.boolean() },
});
type Thread = typeof thread extends fc.Arbitrary<infer Value> ? Value : never;

interface Rules {
  all: number | null;
  users: Record<string, number | null>;
  projects: Record<string, number | null>;
}

function fill(d1: SqliteD1, threads: Thread[], { users, projects }: Rules): void {
  for (const table of ["threads", "runs", "users", "projects", "triggers"]) d1.read(`DELETE FROM ${table}`);
  for (const [user, retention] of Object.entries(users)) {
    d1.read("INSERT INTO users (user_id, created_at, retention_days) VALUES (?, '', ?)", user, retention);
    for (const [project, own] of Object.entries(projects)) {
      const put = "INSERT INTO projects (user_id, project_id, name, created_at, updated_at, retention_days) VALUES";
      d1.read(`${put} (?, ?, '', '', '', ?)`, user, project, own);
    }
  }
  for (const [n, each] of threads.entries()) {
    const { user, project, created, changed, ran, keep } = each;
    const put = `INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at,
      deleted_at, metadata) VALUES (?, ?, ?, '', 1, ?, ?, ?, ?)`;
    const metadata = keep === null ? "{}" : JSON.stringify({ keep });
    const deleted = each.deleted ? daysAgo(0) : null;
    d1.read(put, user, `t${n}`, project, daysAgo(created), daysAgo(changed), deleted, metadata);
    if (ran !== null) {
      const run = "INSERT INTO runs VALUES (?, ?, 'inv', 'completed', 1, ?, ?, '{}')";
      d1.read(run, user, `t${n}`, daysAgo(ran), daysAgo(ran));
    }
    if (!each.triggered) continue;
    const trigger = `INSERT INTO triggers (user_id, trigger_id, type, thread, enabled, created_at, updated_at, settings,
      prompt) VALUES (?, ?, 'schedule', ?, 0, '', '', '{}', '')`;
    d1.read(trigger, user, `trigger${n}`, `t${n}`);
  }
}

function isOld(each: Thread, { all, users, projects }: Rules): boolean {
  const own = users[each.user];
  const ofUser = own === undefined || own === null ? all : own === 0 ? null : own;
  const limits = [ofUser, projects[each.project] ?? null].filter((limit) => limit !== null);
  if (limits.length === 0 || each.deleted || each.triggered || each.keep === true) return false;
  return Math.min(each.created, each.changed, each.ran ?? Number.POSITIVE_INFINITY) > Math.min(...limits);
}

it("are those that nothing happened in for as long as the shortest rule says, each once, whatever a page holds", async () => {
  const d1 = openD1();
  const ofUsers = fc.record({ ada: fc.option(fc.constantFrom(0, 5, 20)), bob: days, cleo: days });
  const rules = fc.record({ all: days, users: ofUsers, projects: fc.record({ p1: days, p2: days }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(thread, { maxLength: 30 }),
      rules,
      fc.integer({ min: 1, max: 12 }),
      async (threads, rules, limit) => {
        fill(d1, threads, rules);
        const found: string[] = [];
        let after: ScanPlace | null = null;
        for (;;) {
          const page = await findOldThreads(d1.binding, after, { limit, days: rules.all, now: NOW });
          found.push(...page.old.map(({ thread_id }) => thread_id));
          after = page.last;
          if (after === null) break;
        }
        const expected = threads.flatMap((each, n) => (isOld(each, rules) ? [`t${n}`] : []));
        expect(found.toSorted()).toEqual(expected.toSorted());
        const has = [...Object.values(rules.users), ...Object.values(rules.projects)].some((own) => own !== null);
        expect(await hasOwnRetention(d1.binding)).toBe(has);
      },
    ),
    { numRuns: 150 },
  );
});

it("are found without reading a table from its beginning", () => {
  const d1 = openD1();
  const times = [new Date(NOW).toISOString(), daysAgo(1)];
  const plan = d1.read<{ detail: string }>(`EXPLAIN QUERY PLAN ${FIND_OLD}`, "", "", "", 10, 30, ...times);
  const scans = plan.map(({ detail }) => detail).filter((detail) => detail.startsWith("SCAN"));
  expect(scans.every((detail) => /SCAN (page|aged|\(subquery-\d+\)|CONSTANT ROW)/.test(detail))).toBe(true);
  expect(plan.map(({ detail }) => detail).join("\n")).toContain("threads_by_creation");
});
