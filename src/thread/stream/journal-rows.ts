// The journal's table: what a row keeps of the numbers that were sent, and what a reader that comes back is told of it.
//
// A number must tell what its reader has. What is numbered while a part is not stored yet (a fact, the END of another
// part) reaches a live reader after the part's START, but is told by a replay before it, or without it. So it takes
// numbers of its own for replays, `replay_from..replay_to`; nobody gets those live.
import type { ThreadEvent } from "../../protocol/event.ts";
import { readStored } from "../../store/shapes/stored.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";
import { toEvents, toNumbers } from "../rows/shapes/journal-row.ts";

/**
 * `seq` is the last live number, `from_seq` the first. A part has `heads` STARTs, and its last delta was `last_seq`. A
 * fact has no heads; a gap (`GAP`) has no events: what was sent under its numbers is void.
 */
export type JournalRow = {
  seq: number;
  from_seq: number;
  last_seq: number;
  heads: number;
  replay_from: number;
  replay_to: number;
  events: string | null;
};

export const GAP = -1;
const columns = "seq, from_seq, last_seq, heads, replay_from, replay_to";

/** `unstored`: the STARTs of the parts that are still in the making. Only a crash asks for them. */
export function insertRow(
  sql: Sql,
  row: Omit<JournalRow, "events">,
  invocation_id: string,
  events: (ThreadEvent | null)[],
  unstored: number[],
): void {
  sql.exec(
    `INSERT INTO journal (${columns}, invocation_id, events, unstored) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.seq,
    row.from_seq,
    row.last_seq,
    row.heads,
    row.replay_from,
    row.replay_to,
    invocation_id,
    writeText(sql, `j:${row.seq}`, JSON.stringify(events)),
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

// What is read at a time of the rows after a number. Nearly always the first of them ends the search.
const ROWS_PER_LOOK = 4;

/**
 * Rows, without their events, that had begun by `seq` and end after it. A scan of all rows after `seq` would be billed by
 * the row; a fact ends it: what was in the making then is in its `unstored`, so where that names nothing that began by
 * `seq`, no later row did. A part's row can't tell, since those of its message are stored together.
 */
export function readSpanning(sql: Sql, seq: number): JournalRow[] {
  const spanning: JournalRow[] = [];
  for (let after = seq; ; ) {
    const rows = sql
      .exec<JournalRow & { unstored: string | null }>(
        `SELECT ${columns}, NULL AS events, unstored FROM journal WHERE seq > ? ORDER BY seq LIMIT ?`,
        after,
        ROWS_PER_LOOK,
      )
      .toArray();
    for (const { unstored, ...row } of rows) {
      if (row.from_seq <= seq) spanning.push(row);
      else if (row.heads === 0 && !hasBegun(row.seq, unstored, seq)) return spanning;
      after = row.seq;
    }
    if (rows.length < ROWS_PER_LOOK) return spanning;
  }
}

/** Whether a row names a part that had begun by `seq`, or may: who can't tell looks on. */
function hasBegun(row: number, unstored: string | null, seq: number): boolean {
  if (unstored === null) return false;
  return readStored(toNumbers, unstored, "unstored parts", row)?.some((from) => from <= seq) ?? true;
}

/** Whether a reader whose last number is `seq` got it in a replay, so that it has nothing of what was then open. */
export function isReplayNumber(sql: Sql, seq: number): boolean {
  // A row's numbers for replays are followed at once by its last ones: no other row ends between.
  const row = sql
    .exec<{ replay_from: number; replay_to: number }>(
      "SELECT replay_from, replay_to FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1",
      seq,
    )
    .toArray()[0];
  return row !== undefined && row.replay_from <= seq && seq <= row.replay_to;
}

/**
 * What of a row a reader lacks that has everything up to `seq`, with numbers above `seq`. One that is `bare` has nothing of
 * what was open then. Of a row that can't be read nobody is told anything.
 */
export function readEvents(
  sql: Sql,
  row: JournalRow,
  seq: number,
  bare: boolean,
): { seq: number; event: ThreadEvent }[] {
  if (row.heads === GAP) return [];
  const events = readStored(toEvents, readText(sql, `j:${row.seq}`, row.events), "events", row.seq) ?? [];
  // Who left amid the live numbers goes on in them.
  const first = seq > row.replay_to ? row.seq - events.length + 1 : row.replay_from;
  const lacksOpen = bare || row.from_seq > seq || isReplayNumber(sql, seq);
  const seen = lacksOpen ? 0 : headsSeen(row, seq);
  return events.flatMap((event, index) => {
    const number = first + index;
    return event === null || index < seen || number <= seq ? [] : [{ seq: number, event }];
  });
}

/** How many of a part's events a live reader had when it left at `seq`: of STARTs and the one CONTENT. */
function headsSeen(row: JournalRow, seq: number): number {
  if (row.heads === 0 || seq >= row.replay_from) return 0;
  return Math.min(seq - row.from_seq, row.heads) + 1;
}

/**
 * Whether rows can complete what a live reader has that left at `seq`. It may have begun one row, the next to be told:
 * a second one, or a fact before its END, would leave it with numbers that do not say that it has begun.
 */
export function canComplete(sql: Sql, seq: number): boolean {
  const spanning = readSpanning(sql, seq);
  const [row] = spanning;
  if (row === undefined) return true;
  const [next] = readRows(sql, seq, row.seq, 1);
  return spanning.length === 1 && next?.seq === row.seq && !isAmid(row, seq);
}

/** Whether who left at `seq` holds a piece of the row that can't be completed. */
function isAmid(row: JournalRow, seq: number): boolean {
  if (row.heads === GAP) return true;
  return row.heads > 0 && seq >= row.from_seq + row.heads && seq < row.last_seq;
}

/**
 * The first number that a former life may have sent and that no row accounts for: what comes after its last row, or
 * the START of a part that was in the making then and was never stored.
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
      sql.exec("SELECT seq FROM journal WHERE seq > ? AND from_seq = ? AND heads > 0", from, from).toArray().length ===
      0,
  );
  return Math.min((last?.seq ?? 0) + 1, ...lost);
}
