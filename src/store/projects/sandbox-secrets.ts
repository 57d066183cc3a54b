// Secrets of projects' sandboxes. A row says what there is and what the provider may have of it; the value is in
// `secrets`, under the same version. What the provider may have is never forgotten before it was removed there: its row
// stays, marked as deleted and without a value.
import { type Delivery, MAX_SECRETS, MAX_SECRETS_BYTES } from "../../protocol/sandbox/secret.ts";
import { hasRoom } from "../quotas/held.ts";
import type { Secret } from "../secrets.ts";

export interface ProjectName {
  user_id: string;
  project_id: string;
  /** When the project was created. */
  project_created_at: string;
}

export interface SandboxSecretRow extends ProjectName {
  name: string;
  hosts: string[];
  delivered: Delivery;
  secret_id: string;
  bytes: number;
  created_at: string;
  updated_at: string;
  is_kept: boolean;
  kept_id: string | null;
  deleted_at: string | null;
}

/** Where its value is in `secrets`. */
export function sealedName({ project_id, name }: { project_id: string; name: string }): string {
  return `${project_id}/${name}`;
}

const PROJECT = "user_id = ?1 AND project_id = ?2 AND project_created_at = ?3";
const OWN = `${PROJECT} AND name = ?4`;
const OTHERS = `sandbox_secrets WHERE ${PROJECT} AND name <> ?4 AND deleted_at IS NULL`;
const IS_THERE = `EXISTS (SELECT 1 FROM sandbox_secrets WHERE ${OWN} AND deleted_at IS NULL)`;
const HAS_PROJECT = `EXISTS (SELECT 1 FROM projects WHERE projects.user_id = ?1 AND projects.project_id = ?2
  AND projects.created_at = ?3)`;

const put = (usual?: number) => `
INSERT INTO sandbox_secrets (user_id, project_id, project_created_at, name, hosts, delivered, secret_id, bytes, created_at,
  updated_at, is_kept, kept_id, deleted_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?6 = 'secret', NULL, NULL
WHERE ${HAS_PROJECT} AND (${IS_THERE} OR ${hasRoom("sandbox_secrets", usual)})
  AND (SELECT count(*) FROM ${OTHERS}) < ${MAX_SECRETS}
  AND (SELECT coalesce(sum(bytes), 0) FROM ${OTHERS}) + ?8 <= ${MAX_SECRETS_BYTES}
ON CONFLICT (user_id, project_id, project_created_at, name) DO UPDATE SET hosts = excluded.hosts,
  delivered = excluded.delivered, secret_id = excluded.secret_id, bytes = excluded.bytes,
  created_at = iif(deleted_at IS NULL, created_at, excluded.created_at), updated_at = excluded.updated_at,
  is_kept = max(is_kept, excluded.is_kept), deleted_at = NULL
RETURNING *`;

const PUT_SEALED = `
INSERT INTO secrets (user_id, kind, name, secret_id, key_id, created_at, updated_at, sealed)
SELECT ?1, 'sandbox', ?2, ?3, ?4, ?5, ?5, ?6 WHERE EXISTS (
  SELECT 1 FROM sandbox_secrets AS row WHERE row.user_id = ?1 AND row.project_id = ?7 AND row.secret_id = ?3)
ON CONFLICT (user_id, kind, name) DO UPDATE SET secret_id = ?3, key_id = ?4, updated_at = ?5, sealed = ?6`;

export type NewSecret = ProjectName & Pick<SandboxSecretRow, "name" | "hosts" | "delivered" | "bytes">;

/** Adds or replaces one. Null if the project is gone, or there is no room: `findSecretRoom` says which. */
export async function putSandboxSecret(
  db: D1Database,
  secret: NewSecret,
  { secret_id, key_id, sealed, updated_at }: Secret,
  usual?: number,
): Promise<SandboxSecretRow | null> {
  const { user_id, project_id, project_created_at, name, hosts, delivered, bytes } = secret;
  const own = [user_id, project_id, project_created_at, name] as const;
  const [stored] = await db.batch<Stored>([
    db.prepare(put(usual)).bind(...own, JSON.stringify(hosts), delivered, secret_id, bytes, updated_at),
    db.prepare(PUT_SEALED).bind(user_id, sealedName(secret), secret_id, key_id, updated_at, sealed, project_id),
  ]);
  const row = stored?.results[0];
  return row === undefined ? null : toRow(row);
}

/** What one more of this name would meet. */
export async function findSecretRoom(
  db: D1Database,
  { user_id, project_id, project_created_at, name }: ProjectName & { name: string },
): Promise<{ has_project: boolean; others: number; bytes: number }> {
  const row = await db
    .prepare(
      `SELECT ${HAS_PROJECT} AS has_project, (SELECT count(*) FROM ${OTHERS}) AS others,
         (SELECT coalesce(sum(bytes), 0) FROM ${OTHERS}) AS bytes`,
    )
    .bind(user_id, project_id, project_created_at, name)
    .first<{ has_project: number; others: number; bytes: number }>();
  return { others: row?.others ?? 0, bytes: row?.bytes ?? 0, has_project: row?.has_project === 1 };
}

/** By name. */
export async function listSandboxSecrets(db: D1Database, project: ProjectName): Promise<SandboxSecretRow[]> {
  const { results } = await db
    .prepare(`SELECT * FROM sandbox_secrets WHERE ${PROJECT} AND deleted_at IS NULL ORDER BY name`)
    .bind(...keyOf(project))
    .all<Stored>();
  return results.map(toRow);
}

export async function hasSandboxSecret(db: D1Database, project: ProjectName, name: string): Promise<boolean> {
  const row = await db
    .prepare(`SELECT ${IS_THERE} AS found`)
    .bind(...keyOf(project), name)
    .first<{ found: number }>();
  return row?.found === 1;
}

/** The values of some of the versions. */
export async function readSealed(db: D1Database, user_id: string, rows: SandboxSecretRow[]): Promise<Secret[]> {
  if (rows.length === 0) return [];
  const { results } = await db
    .prepare(
      `SELECT * FROM secrets WHERE user_id = ?1 AND kind = 'sandbox' AND name IN (SELECT value FROM json_each(?2))`,
    )
    .bind(user_id, JSON.stringify(rows.map(sealedName)))
    .all<Secret>();
  return results;
}

const DELETE_SEALED = `DELETE FROM secrets WHERE user_id = ?1 AND kind = 'sandbox' AND secret_id IN (
  SELECT secret_id FROM sandbox_secrets WHERE`;

/** Deletes the value at once. The row stays while the provider may have it. Null if there is none. */
export async function deleteSandboxSecret(
  db: D1Database,
  project: ProjectName,
  name: string,
  now: string,
): Promise<SandboxSecretRow | null> {
  const own = [...keyOf(project), name] as const;
  const [, marked] = await db.batch<Stored>([
    db.prepare(`${DELETE_SEALED} ${OWN})`).bind(...own),
    db
      .prepare(`UPDATE sandbox_secrets SET deleted_at = ?5 WHERE ${OWN} AND deleted_at IS NULL RETURNING *`)
      .bind(...own, now),
    db.prepare(`DELETE FROM sandbox_secrets WHERE ${OWN} AND deleted_at IS NOT NULL AND is_kept = 0`).bind(...own),
  ]);
  const row = marked?.results[0];
  return row === undefined ? null : toRow(row);
}

/** The same for all of a project. True if the provider may have some. */
export async function deleteProjectSecrets(db: D1Database, project: ProjectName, now: string): Promise<boolean> {
  const own = keyOf(project);
  const [, , , left] = await db.batch<Stored>([
    db.prepare(`${DELETE_SEALED} ${PROJECT})`).bind(...own),
    db.prepare(`DELETE FROM sandbox_secrets WHERE ${PROJECT} AND is_kept = 0`).bind(...own),
    db.prepare(`UPDATE sandbox_secrets SET deleted_at = ?4 WHERE ${PROJECT} AND deleted_at IS NULL`).bind(...own, now),
    db.prepare(`SELECT * FROM sandbox_secrets WHERE ${PROJECT} LIMIT 1`).bind(...own),
  ]);
  return (left?.results.length ?? 0) > 0;
}

/** The provider has this version. False if there is another one by now, or none. */
export async function noteKept(db: D1Database, row: SandboxSecretRow): Promise<boolean> {
  const found = await db
    .prepare(
      `UPDATE sandbox_secrets SET kept_id = ?5 WHERE ${OWN} AND secret_id = ?5 AND deleted_at IS NULL
         AND delivered = 'secret' RETURNING name`,
    )
    .bind(...keyOf(row), row.name, row.secret_id)
    .first();
  return found !== null;
}

/** The provider has it no more, and nobody is about to give it to the provider. */
export async function noteRemoved(db: D1Database, row: SandboxSecretRow): Promise<void> {
  const own = [...keyOf(row), row.name, row.secret_id] as const;
  await db.batch([
    db.prepare(`DELETE FROM sandbox_secrets WHERE ${OWN} AND secret_id = ?5 AND deleted_at IS NOT NULL`).bind(...own),
    db
      .prepare(
        `UPDATE sandbox_secrets SET is_kept = 0, kept_id = NULL
         WHERE ${OWN} AND secret_id = ?5 AND deleted_at IS NULL AND delivered = 'env'`,
      )
      .bind(...own),
  ]);
}

const IS_LEFT = `is_kept = 1 AND (deleted_at < ?1 OR (delivered = 'env' AND deleted_at IS NULL AND updated_at < ?1))`;
const HAS_NO_PROJECT = `NOT EXISTS (SELECT 1 FROM projects WHERE projects.user_id = row.user_id
  AND projects.project_id = row.project_id AND projects.created_at = row.project_created_at)`;

/** Rows of which the provider may have something that nobody needs, in no order, so that none holds up the others. */
export async function listLeftSecrets(db: D1Database, before: number, limit: number): Promise<SandboxSecretRow[]> {
  const { results } = await db
    .prepare(`SELECT * FROM sandbox_secrets WHERE ${IS_LEFT} ORDER BY random() LIMIT ?2`)
    .bind(new Date(before).toISOString(), limit)
    .all<Stored>();
  return results.map(toRow);
}

/** Projects that are gone and have secrets: the Worker that deleted them knew none, or died. */
export async function listLostProjects(db: D1Database, before: number, limit: number): Promise<ProjectName[]> {
  const { results } = await db
    .prepare(
      `SELECT DISTINCT user_id, project_id, project_created_at FROM sandbox_secrets AS row
       WHERE deleted_at IS NULL AND updated_at < ?1 AND ${HAS_NO_PROJECT} LIMIT ?2`,
    )
    .bind(new Date(before).toISOString(), limit)
    .all<ProjectName>();
  return results;
}

/** The projects of a user that have some, also deleted ones. */
export async function listSecretProjects(db: D1Database, user_id: string, limit: number): Promise<ProjectName[]> {
  const { results } = await db
    .prepare("SELECT DISTINCT user_id, project_id, project_created_at FROM sandbox_secrets WHERE user_id = ?1 LIMIT ?2")
    .bind(user_id, limit)
    .all<ProjectName>();
  return results;
}

/** Forgets all of a project that is gone: the provider has nothing more of it. */
export async function forgetProjectSecrets(db: D1Database, project: ProjectName): Promise<void> {
  await db.batch([
    db.prepare(`${DELETE_SEALED} ${PROJECT})`).bind(...keyOf(project)),
    db.prepare(`DELETE FROM sandbox_secrets WHERE ${PROJECT}`).bind(...keyOf(project)),
  ]);
}

function keyOf({ user_id, project_id, project_created_at }: ProjectName): [string, string, string] {
  return [user_id, project_id, project_created_at];
}

type Stored = Omit<SandboxSecretRow, "hosts" | "is_kept"> & { hosts: string; is_kept: number };

function toRow({ hosts, is_kept, ...row }: Stored): SandboxSecretRow {
  return { ...row, hosts: readHosts(hosts), is_kept: is_kept === 1 };
}

function readHosts(text: string): string[] {
  try {
    const hosts: unknown = JSON.parse(text);
    return Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : [];
  } catch {
    return [];
  }
}
