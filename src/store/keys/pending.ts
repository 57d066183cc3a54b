// Links and SSH accesses that are revoked here and not yet at the sandbox provider.
import { and, eq, sql } from "drizzle-orm";
import { open } from "../database.ts";
import type { StoredPreview } from "../projects/previews.ts";
import { previews, sshAccesses } from "../projects/schema.ts";
import type { StoredSshAccess } from "../projects/ssh-accesses.ts";
import { REVOKED_AT } from "./maker.ts";

export interface PendingEnds {
  previews: StoredPreview[];
  ssh_accesses: StoredSshAccess[];
}

/** At most `limit` of each, in no order, so that those that can't be ended hold up no other for long. */
export async function readPendingEnds(db: D1Database, user_id: string, limit: number): Promise<PendingEnds> {
  const database = open(db);
  const isPending = (table: typeof previews | typeof sshAccesses) =>
    and(eq(table.user_id, user_id), eq(table.expires_at, REVOKED_AT));
  const [links, accesses] = await database.batch([
    database.select().from(previews).where(isPending(previews)).orderBy(sql`random()`).limit(limit),
    database.select().from(sshAccesses).where(isPending(sshAccesses)).orderBy(sql`random()`).limit(limit),
  ]);
  return { previews: links, ssh_accesses: accesses };
}

/** Some of the users who have such rows, in no order, so that one whose provider is away holds up nobody for long. */
export async function findPendingUsers(db: D1Database, limit: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT user_id FROM (
         SELECT user_id FROM previews WHERE expires_at = ?1 UNION SELECT user_id FROM ssh_accesses WHERE expires_at = ?1
       ) ORDER BY random() LIMIT ?2`,
    )
    .bind(REVOKED_AT, limit)
    .all<{ user_id: string }>();
  return results.map(({ user_id }) => user_id);
}

/** Deletes nothing if the port has another link by now. */
export async function dropPendingPreview(db: D1Database, { user_id, project_id, port, token }: StoredPreview) {
  const isLink = and(eq(previews.user_id, user_id), eq(previews.project_id, project_id), eq(previews.port, port));
  await open(db)
    .delete(previews)
    .where(and(isLink, eq(previews.token, token), eq(previews.expires_at, REVOKED_AT)));
}

/** False if the project has another access by now, or none. */
export async function isPendingSsh(db: D1Database, { user_id, project_id }: StoredSshAccess): Promise<boolean> {
  const row = await open(db)
    .select({ expires_at: sshAccesses.expires_at })
    .from(sshAccesses)
    .where(and(eq(sshAccesses.user_id, user_id), eq(sshAccesses.project_id, project_id)))
    .get();
  return row?.expires_at === REVOKED_AT;
}

/** Deletes nothing if the project has another access by now. */
export async function dropPendingSsh(db: D1Database, { user_id, project_id }: StoredSshAccess): Promise<void> {
  const isAccess = and(eq(sshAccesses.user_id, user_id), eq(sshAccesses.project_id, project_id));
  await open(db)
    .delete(sshAccesses)
    .where(and(isAccess, eq(sshAccesses.expires_at, REVOKED_AT)));
}
