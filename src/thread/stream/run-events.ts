// The events of one run so far, for code inside the object: typed, and without numbers.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { Journal } from "./journal/journal.ts";

/**
 * From the run's start: the stored events, then the parts that are not stored yet, with their text so far. Void events
 * are left out. Rows are read one at a time, since one may be a megabyte.
 */
export function* eventsSoFar(
  journal: Journal,
  { start_seq, end_seq }: Pick<RunRecord, "start_seq" | "end_seq">,
): Generator<ThreadEvent> {
  if (start_seq === null) return;
  const before = start_seq - 1;
  for (let after = before; end_seq === null || after < end_seq; ) {
    const [row] = journal.replay.releasedRowsAfter(after, 1);
    if (row === undefined) break;
    for (const { event } of journal.replay.eventsOf(row, before)) yield event;
    after = row.seq;
  }
  // A thread has one run at a time, so the parts that are not stored yet belong to the run without an end.
  if (end_seq !== null) return;
  for (const { startEvents, content, endEvents, open, text } of journal.liveParts()) {
    yield* startEvents;
    if (text !== "") yield content(text);
    if (!open) yield* endEvents;
  }
}
