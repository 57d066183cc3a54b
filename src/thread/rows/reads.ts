// The pages of a thread's messages and runs, from the object's rows.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { MessageRow } from "../../protocol/message.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Run } from "../../protocol/run.ts";
import type { MessagePage, MessageRequest, ThreadWithRun } from "../../protocol/thread.ts";
import { encodeCursor, PAGE_BYTES, readPlace } from "../../store/page.ts";
import { findRun, type Life } from "../life.ts";
import { showReserved } from "../usage/record.ts";
import { findMessageSeq, listMessageSizes, readListedMessages } from "./messages.ts";
import { listRunsBefore } from "./runs.ts";

/** Oldest first. A page ends with its limit or with its size, and has one message at least, unless `most` says less. */
export function readMessagePage(life: Life, request: MessageRequest, most = PAGE_BYTES): Result<MessagePage> {
  const { sql } = life.database;
  const start = readPlace(request.cursor);
  if (!start.ok) return start;
  const named = request.after === null ? 0 : findMessageSeq(sql, request.after);
  if (named === null) return fail("bad_cursor", "after names no message of this thread");
  const after = Math.max(start.value, named);
  const sizes = listMessageSizes(sql, request, after);
  const whole = countFitting(sizes.slice(0, request.limit), PAGE_BYTES);
  const count = most < PAGE_BYTES ? Math.min(whole, countFitting(sizes, most, 0)) : whole;
  const last = sizes[count - 1]?.seq;
  const data: MessageRow[] =
    last === undefined
      ? []
      : readListedMessages(sql, life.thread, request, { after, last }).map(({ version: _, ...row }) => row);
  const next_cursor = last !== undefined && count < sizes.length ? encodeCursor([last]) : null;
  return succeed({ data, next_cursor, is_cut: count < whole });
}

/** How many of the first fit, at least `min`. */
function countFitting(rows: { size: number }[], most: number, min = 1): number {
  let bytes = 0;
  const end = rows.findIndex(({ size }) => {
    bytes += size;
    return bytes > most;
  });
  return end === -1 ? rows.length : Math.max(min, end);
}

/** Newest first, without the sources of runs: 200 runs would bring ten million characters of them. */
export function readRunPage(life: Life, request: PageRequest): Result<Page<Run>> {
  const before = readPlace(request.cursor, Number.MAX_SAFE_INTEGER);
  if (!before.ok) return before;
  const found: { position: number; run: Run }[] = [];
  for (let place = before.value, isMore = true; isMore && found.length <= request.limit; ) {
    const places = listRunsBefore(life.database.sql, place, request.limit + 1);
    for (const { invocation_id, position } of places) {
      const record = findRun(life, invocation_id);
      // A run that can't be read is left out.
      if (record !== null) found.push({ position, run: withoutSources(showReserved(record)) });
    }
    place = places.at(-1)?.position ?? 0;
    isMore = places.length > request.limit;
  }
  const shown = found.slice(0, request.limit);
  const last = shown.at(-1);
  const next_cursor = last !== undefined && found.length > shown.length ? encodeCursor([last.position]) : null;
  return succeed({ data: shown.map(({ run }) => run), next_cursor });
}

function withoutSources({ sources: _, ...run }: Run): Run {
  return run;
}

export function readThreadWithRun(life: Life): Result<ThreadWithRun> {
  const newest = readRunPage(life, { limit: 1, cursor: null });
  const run = newest.ok ? newest.value.data[0] : undefined;
  const last_run = run === undefined ? null : { invocation_id: run.invocation_id, status: run.status };
  return succeed({ ...life.thread, last_run });
}
