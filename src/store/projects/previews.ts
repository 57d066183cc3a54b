// Preview links. A port of a project has at most one: a new link replaces the old one.
import { and, asc, eq, gt, lte, ne, or, type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { open } from "../database.ts";
import { REVOKED_AT } from "../keys/maker.ts";
import { mayAct } from "../people/acting.ts";
import { insertDoneEntry, type NewAuditEntry } from "../people/audit.ts";
import { previews } from "./schema.ts";

export type StoredPreview = typeof previews.$inferSelect;

/** Rejects if `owner` is null, because its maker may make nothing more (`keys/maker.ts`). */
export async function putPreview(
  db: D1Database,
  preview: StoredPreview,
  owner: SQL<string>,
  entry: NewAuditEntry | null,
): Promise<void> {
  await upsert(db, preview, owner, undefined, entry);
}

/**
 * The same in place of `former`, the port's link as it was read; null for none, or one that has expired. False if the
 * port has got another one since, which this would forget.
 */
export function replacePreview(
  db: D1Database,
  preview: StoredPreview,
  owner: SQL<string>,
  former: StoredPreview | null,
  entry: NewAuditEntry | null,
): Promise<boolean> {
  const hasExpired = and(lte(previews.expires_at, preview.created_at), ne(previews.expires_at, REVOKED_AT));
  const isFormer = former === null ? hasExpired : or(eq(previews.token, former.token), hasExpired);
  return upsert(db, preview, owner, isFormer, entry);
}

async function upsert(
  db: D1Database,
  preview: StoredPreview,
  owner: SQL<string>,
  setWhere: SQL | undefined,
  entry: NewAuditEntry | null,
): Promise<boolean> {
  const { token, url, created_at, expires_at, made_by } = preview;
  const write = open(db)
    .insert(previews)
    .values({ ...preview, user_id: owner })
    .onConflictDoUpdate({
      target: [previews.user_id, previews.project_id, previews.port],
      set: { token, url, created_at, expires_at, made_by },
      ...(setWhere && { setWhere }),
    })
    .returning({ port: previews.port });
  return (await writeWithEntry(db, write, preview, entry)).length > 0;
}

/** The link and its entry in the audit, both or none. */
async function writeWithEntry<Row>(
  db: D1Database,
  write: BatchItem<"sqlite"> & Promise<Row[]>,
  { user_id, project_id, port, token, created_at }: StoredPreview,
  entry: NewAuditEntry | null,
): Promise<Row[]> {
  if (entry === null) return await write;
  const isWritten = and(
    isPreview(user_id, project_id, port),
    eq(previews.token, token),
    eq(previews.created_at, created_at),
  );
  const isDone = sql`EXISTS (SELECT 1 FROM ${previews} WHERE ${isWritten})`;
  const [rows] = await open(db).batch([write, insertDoneEntry(db, entry, isDone, Date.parse(created_at))]);
  return rows as Row[];
}

/**
 * Gives a link that was read before another expiry. False if it was revoked, deleted or replaced since, or if `owner` is
 * null: a link that has ended never opens again.
 */
export async function extendPreview(
  db: D1Database,
  preview: StoredPreview,
  owner: SQL<string>,
  entry: NewAuditEntry | null,
): Promise<boolean> {
  const { user_id, project_id, port, token, created_at, expires_at } = preview;
  const isSame = and(isPreview(user_id, project_id, port), eq(previews.token, token));
  const write = open(db)
    .update(previews)
    .set({ created_at, expires_at })
    .where(and(isSame, ne(previews.expires_at, REVOKED_AT), sql`${owner} IS NOT NULL`))
    .returning({ port: previews.port });
  return (await writeWithEntry(db, write, preview, entry)).length > 0;
}

export async function readPreview(
  db: D1Database,
  user_id: string,
  project_id: string,
  port: number,
): Promise<StoredPreview | null> {
  return (
    (await open(db)
      .select()
      .from(previews)
      .where(isPreview(user_id, project_id, port))
      .get()) ?? null
  );
}

/** Links that have not expired, by port. */
export async function listPreviews(
  db: D1Database,
  user_id: string,
  project_id: string,
  now: number,
): Promise<StoredPreview[]> {
  const isLive = gt(previews.expires_at, new Date(now).toISOString());
  return await open(db)
    .select()
    .from(previews)
    .where(and(isOfProject(user_id, project_id), isLive))
    .orderBy(asc(previews.port));
}

/** The same, and revoked links that the provider may still serve. */
export async function listPresentPreviews(
  db: D1Database,
  user_id: string,
  project_id: string,
  now: number,
): Promise<StoredPreview[]> {
  const isPresent = or(gt(previews.expires_at, new Date(now).toISOString()), eq(previews.expires_at, REVOKED_AT));
  return await open(db)
    .select()
    .from(previews)
    .where(and(isOfProject(user_id, project_id), isPresent));
}

/** Null also if its user is disabled or deleted. */
export async function findPreview(db: D1Database, token: string): Promise<StoredPreview | null> {
  const isOpen = and(eq(previews.token, token), sql.raw(mayAct("previews.user_id")));
  return (await open(db).select().from(previews).where(isOpen).get()) ?? null;
}

/** Deletes nothing if the port has another link by now. */
export async function deletePreview(db: D1Database, preview: StoredPreview): Promise<void> {
  const { user_id, project_id, port, token } = preview;
  await open(db)
    .delete(previews)
    .where(and(isPreview(user_id, project_id, port), eq(previews.token, token)));
}

function isOfProject(user_id: string, project_id: string) {
  return and(eq(previews.user_id, user_id), eq(previews.project_id, project_id));
}

function isPreview(user_id: string, project_id: string, port: number) {
  return and(isOfProject(user_id, project_id), eq(previews.port, port));
}
