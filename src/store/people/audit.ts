// The audit's entries. One is written before the act, so that no act lacks one, and gets its outcome afterwards. Ids of
// entries begin with their time, so that the order of ids is the order of time, and one index serves both.
import { and, desc, eq, gte, isNull, lt, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { type Result, succeed } from "../../protocol/error.ts";
import { firstIdAt, newId } from "../../protocol/ids.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import { type AuditAction, type AuditEntry, type AuditOutcome, auditSource } from "../../protocol/people/audit.ts";
import { open } from "../database.ts";
import { encodeCursor, readPosition, toPage } from "../page.ts";
import { auditEntries } from "./schema.ts";

export type NewAuditEntry = Omit<AuditEntry, "entry_id" | "created_at" | "outcome">;

/** What is known once the act is over. Absent fields stay as they are. */
export interface AuditEnd {
  outcome: AuditOutcome;
  target?: string | null;
  details?: AuditEntry["details"];
}

/** Names the entry to `closeAuditEntries`. */
export interface OpenAuditEntry {
  /** As stored: empty if nobody is known. */
  user_id: string;
  entry_id: string;
}

/** All or none are written. Rejects if D1 fails: then the act must not happen. */
export async function openAuditEntries(
  db: D1Database,
  entries: NewAuditEntry[],
  now: number,
): Promise<OpenAuditEntry[]> {
  const database = open(db);
  const rows = entries.map((entry) => toRow(entry, now));
  const [first, ...others] = rows.map((row) => database.insert(auditEntries).values(row));
  if (first !== undefined) await database.batch([first, ...others]);
  return rows.map(({ user_id, entry_id }) => ({ user_id, entry_id }));
}

/** Does nothing to an entry that has its outcome. */
export async function closeAuditEntries(db: D1Database, ends: (OpenAuditEntry & AuditEnd)[]): Promise<void> {
  const database = open(db);
  const { user_id, entry_id, outcome } = auditEntries;
  const [first, ...others] = ends.map(({ user_id: user, entry_id: entry, ...end }) =>
    database
      .update(auditEntries)
      .set(end)
      .where(and(eq(user_id, user), eq(entry_id, entry), isNull(outcome))),
  );
  if (first !== undefined) await database.batch([first, ...others]);
}

/** For one act. */
export async function openAuditEntry(db: D1Database, entry: NewAuditEntry, now: number): Promise<OpenAuditEntry> {
  const [opened] = await openAuditEntries(db, [entry], now);
  if (opened === undefined) throw new Error("no entry was written");
  return opened;
}

/** For one act. */
export function closeAuditEntry(db: D1Database, key: OpenAuditEntry, end: AuditEnd): Promise<void> {
  return closeAuditEntries(db, [{ ...key, ...end }]);
}

/**
 * The row of an act that is a write of D1 itself, for the same batch: entry and act are one transaction. `isDone`
 * tells, after the write, whether it happened.
 */
export function insertDoneEntry(db: D1Database, entry: NewAuditEntry, isDone: SQL, now: number) {
  const { user_id, entry_id, created_at, actor_id, key_id, action, target, source, details } = toRow(entry, now);
  const row = sql`SELECT ${user_id}, ${entry_id}, ${created_at}, ${actor_id}, ${key_id}, ${action}, ${target}, 'done', ${JSON.stringify(source)}, ${JSON.stringify(details)} WHERE ${isDone}`;
  return open(db).insert(auditEntries).select(row);
}

function toRow(entry: NewAuditEntry, now: number) {
  const key = { user_id: entry.user_id ?? "", entry_id: newId("aud", now) };
  return { ...entry, ...key, created_at: new Date(now).toISOString() };
}

export interface AuditFilter {
  /** Whose entries; null for all. */
  user_id: string | null;
  action: AuditAction | null;
  actor_id: string | null;
  key_id: string | null;
  /** In ms. */
  since: number | null;
  /** In ms, exclusive. */
  until: number | null;
}

/**
 * What one page may read if a filter has no index: then a page may have fewer entries than asked for, or none, and its
 * cursor continues behind the last one that was looked at.
 */
const MAX_SCANNED = 2_000;

/** Newest first. */
export async function listAuditEntries(
  db: D1Database,
  filter: AuditFilter,
  request: PageRequest,
  max_scanned = MAX_SCANNED,
): Promise<Result<Page<AuditEntry>>> {
  const position = readPosition(request.cursor);
  if (!position.ok) return position;
  const { user_id, entry_id, created_at } = auditEntries;
  const database = open(db);
  const range = and(
    filter.user_id === null ? undefined : eq(user_id, filter.user_id),
    filter.since === null ? undefined : gte(entry_id, firstIdAt("aud", filter.since)),
    filter.until === null ? undefined : lt(entry_id, firstIdAt("aud", filter.until)),
    position.value === null ? undefined : lt(entry_id, position.value[1]),
  );
  const matches = (["action", "actor_id", "key_id"] as const).flatMap((name) => {
    const wanted = filter[name];
    return wanted === null ? [] : [eq(sql.raw(name), wanted)];
  });
  const limit = request.limit + 1;
  const inOrder = database.select().from(auditEntries).where(range).orderBy(desc(entry_id));
  const positionOf = (row: { created_at: string; entry_id: string }): [string, string] => [
    row.created_at,
    row.entry_id,
  ];
  if (matches.length === 0) {
    return succeed(toPage(await inOrder.limit(limit), request.limit, readAuditEntry, positionOf));
  }
  const looked = inOrder.limit(max_scanned).as("looked");
  const [rows, [last]] = await database.batch([
    database
      .select()
      .from(looked)
      .where(and(...matches))
      .orderBy(desc(looked.entry_id))
      .limit(limit),
    database
      .select({ created_at, entry_id })
      .from(auditEntries)
      .where(range)
      .orderBy(desc(entry_id))
      .limit(1)
      .offset(max_scanned - 1),
  ]);
  const page = toPage(rows, request.limit, readAuditEntry, positionOf);
  if (page.next_cursor !== null || last === undefined) return succeed(page);
  return succeed({ ...page, next_cursor: encodeCursor(positionOf(last)) });
}

const storedDetails = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** An entry of a later version may have a source or details that this one doesn't know. */
function readAuditEntry(row: typeof auditEntries.$inferSelect): AuditEntry {
  const source = auditSource.safeParse(row.source);
  const details = storedDetails.safeParse(row.details);
  return {
    ...row,
    user_id: row.user_id === "" ? null : row.user_id,
    action: row.action as AuditAction,
    source: source.success ? source.data : { type: "unknown" },
    details: details.success ? details.data : {},
  };
}

/** Deletes the oldest entries made before that time, and returns how many. */
export async function deleteAuditEntries(db: D1Database, before: number, limit: number): Promise<number> {
  const { user_id, entry_id } = auditEntries;
  const oldest = open(db)
    .select({ user_id, entry_id })
    .from(auditEntries)
    .where(lt(entry_id, firstIdAt("aud", before)))
    .orderBy(entry_id)
    .limit(limit);
  const deleted = await open(db).run(sql`DELETE FROM audit_entries WHERE (user_id, entry_id) IN ${oldest}`);
  return deleted.meta.changes;
}
