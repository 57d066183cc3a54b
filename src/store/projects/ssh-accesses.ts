// Who may reach a project's sandbox by SSH. A project has one access at most, which is the provider's.
import { and, eq, gt } from "drizzle-orm";
import { open } from "../database.ts";
import { ownerOfLive } from "../keys/maker.ts";
import { sshAccesses } from "../schema.ts";

export type StoredSshAccess = typeof sshAccesses.$inferSelect;

/** Rejects if its maker is a deleted key (`whileMakerLives`). */
export async function putSshAccess(db: D1Database, access: StoredSshAccess): Promise<void> {
  const { user_id, created_at, expires_at, made_by } = access;
  await open(db)
    .insert(sshAccesses)
    .values({ ...access, user_id: ownerOfLive(user_id, made_by) })
    .onConflictDoUpdate({
      target: [sshAccesses.user_id, sshAccesses.project_id],
      set: { created_at, expires_at, made_by },
    });
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

export async function deleteSshAccess(db: D1Database, user_id: string, project_id: string): Promise<void> {
  await open(db).delete(sshAccesses).where(isOf(user_id, project_id));
}

function isOf(user_id: string, project_id: string) {
  return and(eq(sshAccesses.user_id, user_id), eq(sshAccesses.project_id, project_id));
}
