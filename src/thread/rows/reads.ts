// The pages that GETs of one thread answer while D1 lags: the same as D1's, from the object's own rows. So every later
// GET has what a 2xx promised, also during an outage of D1.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { MessageRow } from "../../protocol/message.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Run } from "../../protocol/run.ts";
import type { MessageRequest } from "../../protocol/thread.ts";
import { PAGE_BYTES, readStart, takePage } from "../../store/messages.ts";
import { encodeCursor, type Position, readPosition, toPage } from "../../store/page.ts";
import type { Life } from "../life.ts";
import { findMessageSeq, readMessages } from "./messages.ts";
import { readRun, readRunPositions } from "./runs.ts";

/** A row may be megabytes. So few are read at a time, and none beyond what a page may hold. */
const ROWS_PER_READ = 10;

export function readMessagePage(life: Life, request: MessageRequest): Result<Page<MessageRow>> {
  const { sql } = life.database;
  const start = readStart(request);
  if (!start.ok) return start;
  const behind = request.after === null ? 0 : findMessageSeq(sql, request.after);
  if (behind === null) return fail("bad_cursor", "after names no message of this thread");
  const found: MessageRow[] = [];
  let place = Math.max(start.value, behind);
  let size = 0;
  // One more than the page holds shows that there is a next page.
  while (found.length <= request.limit && size <= PAGE_BYTES) {
    const rows = readMessages(sql, life.thread, place, ROWS_PER_READ, { all: request.superseded === true });
    for (const { version: _, ...row } of rows) {
      if (request.types.length > 0 && !request.types.includes(row.type)) continue;
      found.push(row);
      size += sizeOfRow(row);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_PER_READ) break;
    place = last.seq;
  }
  const shown = takePage(found.slice(0, request.limit), sizeOfRow);
  const last = shown.at(-1);
  return succeed({ data: shown, next_cursor: last && shown.length < found.length ? encodeCursor([last.seq]) : null });
}

function sizeOfRow({ content, metadata }: MessageRow): number {
  return sizeOf(content) + sizeOf(metadata);
}

/** In UTF-16 units instead of bytes, since the bound is a rough one. */
function sizeOf(value: unknown): number {
  return JSON.stringify(value).length;
}

/** Without the sources of runs, as from D1. */
export function readRunPage(life: Life, request: PageRequest): Result<Page<Run>> {
  const { sql } = life.database;
  const place = readPosition(request.cursor);
  if (!place.ok) return place;
  const places = readRunPositions(sql)
    .filter((other) => place.value === null || isBefore(other, place.value))
    .sort((a, b) => (isBefore(a, b) ? 1 : -1));
  const runs: Run[] = [];
  for (const [, id] of places) {
    const run = readRun(sql, id)?.run;
    // One that can't be read is left out, and the page goes on behind it.
    if (run !== undefined && runs.push(run) > request.limit) break;
  }
  return succeed(
    toPage(
      runs,
      request.limit,
      ({ sources: _, ...run }) => run,
      (run) => [run.created_at, run.invocation_id],
    ),
  );
}

function isBefore(a: Position, b: Position): boolean {
  return a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
}
