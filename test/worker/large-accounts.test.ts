// Accounts with thousands of threads and projects: what their end reads, and what an admin sees of them.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { listEmptyProjects } from "../../src/store/people/account-projects.ts";
import { listWorkingUsers } from "../../src/store/people/closing.ts";
import { countThings } from "../../src/store/people/users.ts";

const MANY = 3_000;
const AT = "2026-01-01T00:00:00.000Z";

/** Each thread in a project of its own, as those of people who name none. The first `alive` are not deleted. */
async function fill(user_id: string, alive: number): Promise<void> {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY})`;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO projects (user_id, project_id, name, created_at, updated_at)
       ${numbers} SELECT ?1, 'project_' || i, '', ?2, ?2 FROM n`,
    ).bind(user_id, AT),
    env.DB.prepare(
      `INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, deleted_at, metadata)
       ${numbers} SELECT ?1, 'thread_' || i, 'project_' || i, '', 1, ?2, ?2, iif(i <= ?3, NULL, ?2), '{}' FROM n`,
    ).bind(user_id, AT, alive),
  ]);
}

/** D1, and the rows that its last statement read. */
function counting(): { DB: D1Database; rowsRead(): Promise<number> } {
  let last: D1PreparedStatement | null = null;
  const watch = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        if (name === "bind") {
          return (...values: unknown[]) => {
            last = target.bind(...values);
            return last;
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const DB = new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") return (query: string) => watch(target.prepare(query));
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { DB, rowsRead: async () => (await last?.all())?.meta.rows_read ?? Number.POSITIVE_INFINITY };
}

describe("many users who may not act and have runs that can't be ended", () => {
  it("hold up none of the others: each look finds some of them, in no order", async () => {
    const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)";
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO users (user_id, created_at, disabled_at) ${numbers} SELECT 'user_stuck_' || i, ?1, ?1 FROM n`,
      ).bind(AT),
      env.DB.prepare(
        `INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run)
         ${numbers} SELECT 'user_stuck_' || i, 't', 'inv', 'running', 1, ?1, ?1, '{}' FROM n`,
      ).bind(AT),
    ]);
    const looks = [await listWorkingUsers(env.DB, 50), await listWorkingUsers(env.DB, 50)];
    const [first, second] = looks.map((found) => found.map(({ user_id }) => user_id).sort());
    expect([first?.length, second?.length]).toEqual([50, 50]);
    expect(first).not.toEqual(second);
    await env.DB.prepare("DELETE FROM runs WHERE user_id LIKE 'user_stuck_%'").run();
  });
});

describe("a large account", () => {
  it("finds its empty projects without reading its threads for each of them", async () => {
    await fill("user_large", 10);
    const { DB, rowsRead } = counting();
    const found = await listEmptyProjects(DB, "user_large", 5);
    expect(found).toHaveLength(5);
    expect(found.map(({ project_id }) => Number(project_id.split("_")[1])).every((place) => place > 10)).toBe(true);
    // Each project, twice as it is sorted, and the threads that are left.
    expect(await rowsRead()).toBeLessThan(4 * MANY);
    expect(await listEmptyProjects(env.DB, "user_large", 2 * MANY)).toHaveLength(MANY - 10);
  });

  it("counts threads that are there, and none that was deleted", async () => {
    await fill("user_counted", 7);
    expect(await countThings(env.DB, "user_counted")).toMatchObject({ threads: 7, projects: MANY });
  });
});
