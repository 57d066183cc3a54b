// The events of one run so far, for who works in the object itself: typed, and without numbers.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { Journal } from "./journal.ts";

/**
 * From the run's start: what is stored, then what is in the making as far as it has come. What turned out void is not among
 * it. Rows are read one at a time, since one may be a megabyte.
 */
export function* eventsSoFar(
  journal: Journal,
  { start_seq, end_seq }: Pick<RunRecord, "start_seq" | "end_seq">,
): Generator<ThreadEvent> {
  if (start_seq === null) return;
  const before = start_seq - 1;
  for (let after = before; end_seq === null || after < end_seq; ) {
    const [row] = journal.releasedRowsAfter(after, 1);
    if (row === undefined) break;
    for (const { event } of journal.eventsOf(row, before)) yield event;
    after = row.seq;
  }
  // A thread has one run at a time, so what is in the making is of the one that has no end.
  if (end_seq !== null) return;
  for (const { heads, content, tails, open, text } of journal.liveParts()) {
    yield* heads;
    if (text !== "") yield content(text);
    if (!open) yield* tails;
  }
}
