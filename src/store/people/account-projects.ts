// The projects of an account, and the ways into their sandboxes, for its end and its pause.
import { and, eq, gt, isNull, ne, notInArray, sql } from "drizzle-orm";
import type { Project } from "../../protocol/project.ts";
import { open } from "../database.ts";
import { REVOKED_AT } from "../keys/maker.ts";
import type { StoredPreview } from "../projects/previews.ts";
import { previews, projects, sshAccesses } from "../projects/schema.ts";
import { threads } from "../schema.ts";

/** Some projects, in no order, so that those that can't be deleted hold up no other for long. */
export async function listEmptyProjects(db: D1Database, user_id: string, limit: number): Promise<Project[]> {
  const database = open(db);
  // By the index over threads that are there: those that were deleted leave a row, and may be tens of thousands.
  const isThere = and(eq(threads.user_id, user_id), isNull(threads.deleted_at));
  const inUse = database.select({ project_id: threads.project_id }).from(threads).where(isThere);
  return await database
    .select()
    .from(projects)
    .where(and(eq(projects.user_id, user_id), notInArray(projects.project_id, inUse)))
    .orderBy(sql`random()`)
    .limit(limit);
}

export async function hasProject(db: D1Database, user_id: string): Promise<boolean> {
  const found = await open(db)
    .select({ project_id: projects.project_id })
    .from(projects)
    .where(eq(projects.user_id, user_id))
    .limit(1);
  return found.length > 0;
}

type Place = Pick<StoredPreview, "project_id" | "port">;

/** Links that have not ended, after one of them. */
export async function listOpenLinks(
  db: D1Database,
  user_id: string,
  after: Place | null,
  now: number,
  limit: number,
): Promise<StoredPreview[]> {
  const isAfter = sql`(${previews.project_id}, ${previews.port}) > (${after?.project_id ?? ""}, ${after?.port ?? 0})`;
  return await open(db)
    .select()
    .from(previews)
    .where(and(eq(previews.user_id, user_id), gt(previews.expires_at, isoTime(now)), isAfter))
    .orderBy(previews.project_id, previews.port)
    .limit(limit);
}

/** Marks these links as ended. One that was replaced meanwhile stays. */
export async function markLinks(db: D1Database, user_id: string, links: StoredPreview[]): Promise<void> {
  if (links.length === 0) return;
  const tokens = JSON.stringify(links.map(({ token }) => token));
  await open(db)
    .update(previews)
    .set({ expires_at: REVOKED_AT })
    .where(and(eq(previews.user_id, user_id), sql`${previews.token} IN (SELECT value FROM json_each(${tokens}))`));
}

/** Marks open SSH accesses as ended. */
export async function markSsh(db: D1Database, user_id: string, now: number): Promise<void> {
  await open(db)
    .update(sshAccesses)
    .set({ expires_at: REVOKED_AT })
    .where(and(eq(sshAccesses.user_id, user_id), gt(sshAccesses.expires_at, isoTime(now))));
}

/** Deletes links and accesses that have expired by themselves. */
export async function dropExpired(db: D1Database, user_id: string, now: number): Promise<void> {
  const database = open(db);
  const isOver = (table: typeof previews | typeof sshAccesses) =>
    and(eq(table.user_id, user_id), ne(table.expires_at, REVOKED_AT), sql`${table.expires_at} <= ${isoTime(now)}`);
  await database.batch([
    database.delete(previews).where(isOver(previews)),
    database.delete(sshAccesses).where(isOver(sshAccesses)),
  ]);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
