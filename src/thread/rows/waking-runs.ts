// The runs that a life of the object begins with: those that are not over for readers, and those that D1 may not have.
import type { Sql } from "./database.ts";
import { type RunRecord, readRun, readUnreleasedRun } from "./runs.ts";
import type { Position } from "./shapes/position.ts";

/** What a life that wakes knows of the thread's runs. */
export interface WakingRuns {
  /** Runs that are not over for readers, by id, in the order of the inbox. */
  live: Map<string, RunRecord>;
  /** Runs that D1 may not have. */
  changed: string[];
  newestStarted: RunRecord | null;
  /** The last position in the inbox. */
  lastPosition: number;
}

/**
 * Scans every run of the thread, twice: an index would cost each run a row. Live are also ends that the position does not
 * say are released and D1 may not have.
 */
export function readWakingRuns(sql: Sql, { released, run_seq, last_run }: Position): WakingRuns {
  const rows = sql
    .exec<{ invocation_id: string; changed: number; version: number; live: number }>(
      `SELECT invocation_id, changed, version, released = 0 OR end_seq > ? AND changed >= ? AS live FROM runs
       WHERE changed >= ? OR released = 0 ORDER BY position`,
      released,
      run_seq,
      run_seq,
    )
    .toArray();
  const records = rows.flatMap(({ invocation_id, live }) =>
    live === 1 ? (readUnreleasedRun(sql, invocation_id) ?? []) : [],
  );
  const live = new Map(records.map((record) => [record.run.invocation_id, record]));
  const isSent = ({ invocation_id, version }: { invocation_id: string; version: number }) =>
    invocation_id === last_run?.id && version === last_run.version;
  const changed = rows
    .filter((row) => row.changed >= run_seq && !isSent(row))
    .map(({ invocation_id }) => invocation_id);
  const { last, newest } = readLastRuns(sql);
  const newestStarted = newest === null ? null : (live.get(newest) ?? readRun(sql, newest));
  return { live, changed, newestStarted, lastPosition: last };
}

/** The last position in the inbox, and the id of the newest started run. */
function readLastRuns(sql: Sql): { last: number; newest: string | null } {
  const [row] = sql
    .exec<{ last: number | null; newest: string | null }>(
      `SELECT max(position) AS last,
         max(CASE WHEN start_seq IS NOT NULL THEN printf('%0${POSITION_DIGITS}d', position) || invocation_id END) AS newest
       FROM runs`,
    )
    .toArray();
  return { last: row?.last ?? 0, newest: row?.newest?.slice(POSITION_DIGITS) ?? null };
}

/** As many as a safe integer has, so that positions compare as texts. */
const POSITION_DIGITS = 16;
