// The sandboxes that a user has, with their sizes. A row is taken before its sandbox is created, so that the quotas of
// their number and of their cores are exact. The provider knows what exists: a row follows what was opened.
import { dayOf } from "../../protocol/money/quotas.ts";
import { CPUS, type HeldQuota, hasRoom, limitOf, readHeld, type UsualQuota } from "./held.ts";
import { countHours } from "./hours.ts";

export interface SandboxRow {
  user_id: string;
  project_id: string;
  /** When the row was taken. */
  created_at: string;
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  /** The provider's own id; null or absent until it is known. */
  sandbox_id?: string | null;
}

const OWN = "user_id = ?1 AND project_id = ?2";
const OTHERS = `(SELECT ${CPUS} FROM sandboxes WHERE user_id = ?1 AND project_id <> ?2)`;
const OWN_CPUS = `(SELECT cpu FROM sandboxes WHERE ${OWN})`;

// One that is there is not counted twice, and continues where a quota has become smaller.
const take = (usual: UsualQuota) => `
INSERT INTO sandboxes (user_id, project_id, created_at, cpu, memory, disk)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE (EXISTS (SELECT 1 FROM sandboxes WHERE ${OWN}) OR ${hasRoom("sandboxes", usual("sandboxes"))})
  AND (coalesce(?4, ${OWN_CPUS}, 1) <= coalesce(${OWN_CPUS}, 0)
    OR ${OTHERS} + coalesce(?4, ${OWN_CPUS}, 1) <= ${limitOf("sandbox_cpus", usual("sandbox_cpus"))})
ON CONFLICT (user_id, project_id) DO UPDATE SET cpu = coalesce(excluded.cpu, cpu),
  memory = coalesce(excluded.memory, memory), disk = coalesce(excluded.disk, disk)
RETURNING project_id`;

/** Null if it was taken, else what is used up. */
export async function takeSandbox(
  db: D1Database,
  row: SandboxRow,
  usual: UsualQuota,
): Promise<{ name: "sandboxes" | "sandbox_cpus"; held: HeldQuota } | null> {
  const taken = await db
    .prepare(take(usual))
    .bind(...valuesOf(row))
    .first();
  if (taken !== null) return null;
  const held = await readHeld(db, row.user_id, ["sandboxes", "sandbox_cpus"], usual);
  const isThere = await db.prepare(`SELECT 1 FROM sandboxes WHERE ${OWN}`).bind(row.user_id, row.project_id).first();
  const name = isThere === null && held.sandboxes.used >= held.sandboxes.limit ? "sandboxes" : "sandbox_cpus";
  return { name, held: held[name] };
}

// A row that says the same is not written.
const NOTE = `
INSERT INTO sandboxes (user_id, project_id, created_at, cpu, memory, disk, sandbox_id, running_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?3)
ON CONFLICT (user_id, project_id) DO UPDATE SET cpu = excluded.cpu, memory = excluded.memory, disk = excluded.disk,
  sandbox_id = coalesce(excluded.sandbox_id, sandbox_id), running_at = coalesce(running_at, excluded.running_at)
WHERE (cpu, memory, disk, sandbox_id)
    IS NOT (excluded.cpu, excluded.memory, excluded.disk, coalesce(excluded.sandbox_id, sandbox_id))
  OR running_at IS NULL`;

/** For a sandbox that runs: it is counted whatever the quotas are, and its hours begin to count. */
export async function noteSandbox(db: D1Database, row: SandboxRow): Promise<void> {
  await db
    .prepare(NOTE)
    .bind(...valuesOf(row), row.sandbox_id ?? null)
    .run();
}

/** For a sandbox that was just created: its row is there since the creation was counted. */
export async function keepSandboxId(
  db: D1Database,
  { user_id, project_id }: Pick<SandboxRow, "user_id" | "project_id">,
  sandbox_id: string,
): Promise<void> {
  await db
    .prepare(`UPDATE sandboxes SET sandbox_id = ?3 WHERE ${OWN} AND sandbox_id IS NOT ?3`)
    .bind(user_id, project_id, sandbox_id)
    .run();
}

/** Null if none is known. */
export async function readSandboxId(
  db: D1Database,
  { user_id, project_id }: Pick<SandboxRow, "user_id" | "project_id">,
): Promise<string | null> {
  const row = await db
    .prepare(`SELECT sandbox_id FROM sandboxes WHERE ${OWN}`)
    .bind(user_id, project_id)
    .first<Pick<SandboxRow, "sandbox_id">>();
  return row?.sandbox_id ?? null;
}

const GONE = `${OWN} AND (?3 IS NULL OR NOT EXISTS (
  SELECT 1 FROM projects AS other WHERE other.user_id = ?1 AND other.project_id = ?2 AND other.created_at <> ?3))`;
/** Those who delete and create sandboxes all day use hours, too. */
const COUNT_HOURS = countHours(GONE);
const GIVE_BACK = `DELETE FROM sandboxes WHERE ${GONE}`;

/** With the time of the creation of its project, the row of a later project with the same id stays. */
export async function giveBackSandbox(
  db: D1Database,
  user_id: string,
  project_id: string,
  project_created_at: string | null = null,
): Promise<void> {
  const now = Date.now();
  const gone = [user_id, project_id, project_created_at] as const;
  await db.batch([
    db.prepare(COUNT_HOURS).bind(...gone, new Date(now).toISOString(), dayOf(now)),
    db.prepare(GIVE_BACK).bind(...gone),
  ]);
}

/**
 * Rows that were taken before `taken_before` and whose projects are gone, the oldest of some first. A project of which
 * a thread is there is not: D1 may have lost its row, as after a restore, and the thread works with its files.
 */
export async function listLeftSandboxes(db: D1Database, taken_before: number, limit: number): Promise<SandboxRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM sandboxes AS row WHERE created_at < ?1 AND NOT EXISTS (
         SELECT 1 FROM projects WHERE projects.user_id = row.user_id AND projects.project_id = row.project_id)
         AND NOT EXISTS (SELECT 1 FROM threads WHERE threads.user_id = row.user_id
           AND threads.project_id = row.project_id AND threads.deleted_at IS NULL)
       ORDER BY created_at LIMIT ?2`,
    )
    .bind(new Date(taken_before).toISOString(), limit)
    .all<SandboxRow>();
  return results;
}

/** Those of a user whose projects D1 does not have, a bounded number. */
export async function listLostSandboxes(db: D1Database, user_id: string, limit: number): Promise<SandboxRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM sandboxes AS row WHERE user_id = ?1 AND NOT EXISTS (
         SELECT 1 FROM projects WHERE projects.user_id = ?1 AND projects.project_id = row.project_id) LIMIT ?2`,
    )
    .bind(user_id, limit)
    .all<SandboxRow>();
  return results;
}

function valuesOf({ user_id, project_id, created_at, cpu, memory, disk }: SandboxRow): (string | number | null)[] {
  return [user_id, project_id, created_at, cpu, memory, disk];
}
