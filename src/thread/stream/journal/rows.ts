// The journal's table: what a row keeps of the numbers that were sent, and which of its events a returning reader
// lacks.
//
// The server must know from a reader's last number which events the reader has. An event that is numbered while a part
// is not stored yet (a fact, the END of another part) reaches a live reader after that part's START, but a replay sends
// it before the START, or without it. So such a row takes separate numbers for replays, `replay_from..replay_to`, which
// no live reader gets.
import type { ThreadEvent } from "../../../protocol/event.ts";
import { readStored } from "../../../store/shapes/stored.ts";
import { readText, type Sql, writeText } from "../../rows/database.ts";
import { toEvents, toNumbers } from "../../rows/shapes/journal-row.ts";

/**
 * `seq` is the last live number, `from_seq` the first. A part has `start_count` start events, and its last delta was
 * `last_seq`. A fact has a `start_count` of 0. A gap (`GAP`) has no events: what was sent under its numbers is void.
 */
export type JournalRow = {
  seq: number;
  from_seq: number;
  last_seq: number;
  start_count: number;
  replay_from: number;
  replay_to: number;
  events: string | null;
};

export const GAP = -1;
const columns = "seq, from_seq, last_seq, start_count, replay_from, replay_to";

/**
 * `events` is a list as JSON. `unstored`: the START numbers of the parts that are not stored yet. They are needed only
 * after a crash.
 */
export function insertRow(
  sql: Sql,
  row: Omit<JournalRow, "events">,
  invocation_id: string,
  events: string,
  unstored: number[],
): void {
  sql.exec(
    `INSERT INTO journal
       (seq, from_seq, last_seq, start_count, replay_from, replay_to, invocation_id, events, unstored)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.seq,
    row.from_seq,
    row.last_seq,
    row.start_count,
    row.replay_from,
    row.replay_to,
    invocation_id,
    writeText(sql, `j:${row.seq}`, events),
    unstored.length === 0 ? null : JSON.stringify(unstored),
  );
}

export function readRows(sql: Sql, after: number, through: number, limit: number): JournalRow[] {
  return sql
    .exec<JournalRow>(
      `SELECT ${columns}, events FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
      after,
      through,
      limit,
    )
    .toArray();
}

// Rows that one query reads. Nearly always the first of them ends the search.
const ROWS_PER_QUERY = 4;

/**
 * Rows, without their events, that had begun by `seq` and end after it. A scan of all rows after `seq` would be billed
 * by the row, so a fact ends it: `unstored` of a fact names the parts that were not stored then. If none of them began
 * by `seq`, no later row did. A part's row can't end it, since all parts of a message are stored together.
 */
export function readSpanning(sql: Sql, seq: number): JournalRow[] {
  const spanning: JournalRow[] = [];
  for (let after = seq; ; ) {
    const rows = sql
      .exec<JournalRow & { unstored: string | null }>(
        `SELECT ${columns}, NULL AS events, unstored FROM journal WHERE seq > ? ORDER BY seq LIMIT ?`,
        after,
        ROWS_PER_QUERY,
      )
      .toArray();
    for (const { unstored, ...row } of rows) {
      if (row.from_seq <= seq) spanning.push(row);
      else if (row.start_count === 0 && !hasBegun(row.seq, unstored, seq)) return spanning;
      after = row.seq;
    }
    if (rows.length < ROWS_PER_QUERY) return spanning;
  }
}

/** Whether a row names a part that had begun by `seq`. True too if its list can't be read: then the search goes on. */
function hasBegun(row: number, unstored: string | null, seq: number): boolean {
  if (unstored === null) return false;
  return readStored(toNumbers, unstored, "unstored parts", row)?.some((from) => from <= seq) ?? true;
}

/**
 * Whether a reader with the last number `seq` got it in a replay, and so has nothing of the parts that were open then.
 */
export function isReplayNumber(sql: Sql, seq: number): boolean {
  // A row's last live numbers come right after its replay numbers, so no other row ends between them.
  const row = sql
    .exec<{ replay_from: number; replay_to: number }>(
      "SELECT replay_from, replay_to FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1",
      seq,
    )
    .toArray()[0];
  return row !== undefined && row.replay_from <= seq && seq <= row.replay_to;
}

/**
 * The events of a row that a reader with everything up to `seq` lacks, under numbers above `seq`. A `bare` reader has
 * nothing of the parts that were open at `seq`. A row that can't be read has no events.
 */
export function readEvents(
  sql: Sql,
  row: JournalRow,
  seq: number,
  bare: boolean,
): { seq: number; event: ThreadEvent }[] {
  if (row.start_count === GAP) return [];
  const events = readStored(toEvents, readText(sql, `j:${row.seq}`, row.events), "events", row.seq) ?? [];
  // A reader that left between live numbers continues with live numbers.
  const first = seq > row.replay_to ? row.seq - events.length + 1 : row.replay_from;
  const lacksOpen = bare || row.from_seq > seq || isReplayNumber(sql, seq);
  const seen = lacksOpen ? 0 : startsSeen(row, seq);
  return events.flatMap((event, index) => {
    const number = first + index;
    return event === null || index < seen || number <= seq ? [] : [{ seq: number, event }];
  });
}

/** How many of a part's start events and its one CONTENT a live reader had when it left at `seq`. */
function startsSeen(row: JournalRow, seq: number): number {
  if (row.start_count === 0 || seq >= row.replay_from) return 0;
  return Math.min(seq - row.from_seq, row.start_count) + 1;
}

/**
 * Whether rows can complete what a live reader had when it left at `seq`. It may have begun one row, if that is the
 * next one to send. After a second one, or after a fact before its END, its numbers would not say what it has begun.
 */
export function canComplete(sql: Sql, seq: number): boolean {
  const spanning = readSpanning(sql, seq);
  const [row] = spanning;
  if (row === undefined) return true;
  const [next] = readRows(sql, seq, row.seq, 1);
  return spanning.length === 1 && next?.seq === row.seq && !isAmid(row, seq);
}

/** Whether a reader that left at `seq` holds a piece of the row that can't be completed. */
function isAmid(row: JournalRow, seq: number): boolean {
  if (row.start_count === GAP) return true;
  return row.start_count > 0 && seq >= row.from_seq + row.start_count && seq < row.last_seq;
}

/**
 * The first number that a former life may have sent and that no row accounts for: the one after its last row, or the
 * START of a part that was not stored then and never was later.
 */
export function firstUnstored(sql: Sql, through: number): number {
  const last = sql
    .exec<{ seq: number; unstored: string | null }>(
      "SELECT seq, unstored FROM journal WHERE seq <= ? ORDER BY seq DESC LIMIT 1",
      through,
    )
    .toArray()[0];
  const unstored = readStored(toNumbers, last?.unstored ?? "[]", "unstored parts", last?.seq ?? 0) ?? [];
  const lost = unstored.filter(
    (from) =>
      sql.exec("SELECT seq FROM journal WHERE seq > ? AND from_seq = ? AND start_count > 0", from, from).toArray()
        .length === 0,
  );
  return Math.min((last?.seq ?? 0) + 1, ...lost);
}
