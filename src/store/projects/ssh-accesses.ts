// Who may reach a project's sandbox by SSH. A project has one access at most, which is the provider's.
import { and, eq, gt, sql } from "drizzle-orm";
import { open } from "../database.ts";
import { ownerOfLive } from "../keys/maker.ts";
import { sshAccesses } from "./schema.ts";

export type StoredSshAccess = typeof sshAccesses.$inferSelect;

/**
 * Stores an access that replaces `former`, the row as it was read before the access was opened. False if another one was
 * stored since: which of the two the provider has ended is not known. Rejects if its maker is a deleted key
 * (`whileMakerLives`).
 */
export async function putSshAccess(
  db: D1Database,
  access: StoredSshAccess,
  former: StoredSshAccess | null,
): Promise<boolean> {
  const { user_id, created_at, expires_at, made_by } = access;
  const stored = await open(db)
    .insert(sshAccesses)
    .values({ ...access, user_id: ownerOfLive(user_id, made_by) })
    .onConflictDoUpdate({
      target: [sshAccesses.user_id, sshAccesses.project_id],
      set: { created_at, expires_at, made_by },
      setWhere: former === null ? sql`0` : isSame(former),
    })
    .returning({ project_id: sshAccesses.project_id });
  return stored.length > 0;
}

/** The newest access, which may have ended. */
export async function findSshAccess(
  db: D1Database,
  user_id: string,
  project_id: string,
): Promise<StoredSshAccess | null> {
  const row = await open(db).select().from(sshAccesses).where(isOf(user_id, project_id)).get();
  return row ?? null;
}

/** Null if none is open. */
export async function readSshAccess(
  db: D1Database,
  user_id: string,
  project_id: string,
  now: number,
): Promise<StoredSshAccess | null> {
  const isOpen = gt(sshAccesses.expires_at, new Date(now).toISOString());
  return (
    (await open(db)
      .select()
      .from(sshAccesses)
      .where(and(isOf(user_id, project_id), isOpen))
      .get()) ?? null
  );
}

/** Deletes nothing if another access was stored since. */
export async function deleteSshAccess(db: D1Database, access: StoredSshAccess): Promise<void> {
  await open(db)
    .delete(sshAccesses)
    .where(and(isOf(access.user_id, access.project_id), isSame(access)));
}

function isOf(user_id: string, project_id: string) {
  return and(eq(sshAccesses.user_id, user_id), eq(sshAccesses.project_id, project_id));
}

function isSame({ created_at, made_by }: StoredSshAccess) {
  return and(eq(sshAccesses.created_at, created_at), sql`${sshAccesses.made_by} IS ${made_by}`);
}
