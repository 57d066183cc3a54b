// Finds threads that are older than they may become. Nothing is indexed for it, since each index entry would be a row written
// with each turn: the clock goes through all threads in the order of an index that exists, some thousand a minute, and
// remembers how far it is. What it finds are candidates: the thread's object knows when something last happened.
import { isRecord } from "../../lib/is-record.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { readState, writeState } from "../server/state.ts";
import { isNumber, isText, shapeOf } from "../shapes/stored.ts";
import { cutoffOf, IS_AGED } from "./cutoff.ts";

const NAME = "retention";
const DAY_MS = 24 * 3_600_000;

export interface ScanPlace extends ThreadKey {
  created_at: string;
}

/** How far the clock is. */
export interface ScanState {
  /** When it began to go through all threads, in ms. */
  begun_at: number;
  /** The last thread that it has looked at. Null once it is through. */
  after: ScanPlace | null;
}

const isPlace = (value: unknown): value is ScanPlace =>
  isRecord(value) && isText(value.user_id) && isText(value.created_at) && isText(value.thread_id);

const toScanState = shapeOf((value): value is ScanState => {
  return isRecord(value) && isNumber(value.begun_at) && (value.after === null || isPlace(value.after));
});

export async function readScanState(db: D1Database): Promise<ScanState | null> {
  return await readState(db, NAME, toScanState);
}

export async function writeScanState(db: D1Database, state: ScanState): Promise<void> {
  await writeState(db, NAME, state);
}

/** Whether a user or a project says how long threads are kept. Reads two entries of indexes that are small. */
export async function hasOwnRetention(db: D1Database): Promise<boolean> {
  const query = `SELECT EXISTS (SELECT 1 FROM users INDEXED BY users_retained WHERE retention_days IS NOT NULL)
    OR EXISTS (SELECT 1 FROM projects INDEXED BY projects_retained WHERE retention_days IS NOT NULL) AS has`;
  return (await db.prepare(query).first<{ has: number }>())?.has === 1;
}

/** Between `deleted_at IS NULL` and the order is the index's own order, so a page reads as many entries as it has. */
export const FIND_OLD = `
WITH page AS MATERIALIZED (
  SELECT user_id, created_at, thread_id FROM threads INDEXED BY threads_by_creation
  WHERE deleted_at IS NULL AND (user_id, created_at, thread_id) > (?1, ?2, ?3)
  ORDER BY user_id, created_at, thread_id LIMIT ?4),
aged AS (
  SELECT page.*, ${cutoffOf("?6", "?5")} AS before, each.updated_at
  FROM page
  CROSS JOIN threads AS each ON each.user_id = page.user_id AND each.thread_id = page.thread_id
  LEFT JOIN users AS owner ON owner.user_id = page.user_id
  LEFT JOIN projects AS home ON home.user_id = page.user_id AND home.project_id = each.project_id
  WHERE page.created_at < ?7 AND ${IS_AGED})
SELECT user_id, created_at, thread_id, before FROM aged
WHERE created_at < before AND updated_at < before AND coalesce((
    SELECT runs.updated_at FROM runs INDEXED BY runs_by_thread
    WHERE runs.user_id = aged.user_id AND runs.thread_id = aged.thread_id
    ORDER BY runs.created_at DESC, runs.invocation_id DESC LIMIT 1), '') < before
UNION ALL
SELECT user_id, created_at, thread_id, NULL FROM (
  SELECT * FROM page ORDER BY user_id DESC, created_at DESC, thread_id DESC LIMIT 1)
WHERE (SELECT count(*) FROM page) = ?4`;

export interface OldThread extends ScanPlace {
  /** Its newest activity must be older than this. */
  before: string;
}

export interface Found {
  old: OldThread[];
  /** The last thread that was looked at. Null if there are no more. */
  last: ScanPlace | null;
}

/** Looks at `limit` threads after one of them. `days` is the deployment's; null keeps threads of whom nobody says more. */
export async function findOldThreads(
  db: D1Database,
  after: ScanPlace | null,
  { limit, days, now }: { limit: number; days: number | null; now: number },
): Promise<Found> {
  const { user_id = "", created_at = "", thread_id = "" } = after ?? {};
  const times = [now, now - DAY_MS].map((time) => new Date(time).toISOString());
  const { results } = await db
    .prepare(FIND_OLD)
    .bind(user_id, created_at, thread_id, limit, days, ...times)
    .all<ScanPlace & { before: string | null }>();
  const last = results.find(({ before }) => before === null) ?? null;
  const old = results.flatMap((row) => (row.before === null ? [] : [{ ...row, before: row.before }]));
  return { old: old.sort(inOrder), last };
}

/** As SQLite compares them: ids and times are ASCII. */
function inOrder(one: ScanPlace, other: ScanPlace): number {
  const keys = (place: ScanPlace) => [place.user_id, place.created_at, place.thread_id];
  const [left, right] = [keys(one), keys(other)];
  const place = left.findIndex((key, index) => key !== right[index]);
  if (place < 0) return 0;
  return (left[place] ?? "") < (right[place] ?? "") ? -1 : 1;
}
