// A snapshot of what is open, for a reader that has nothing of it: each open part with its text so far in one CONTENT.
// Only the last frame has an id. After that frame the reader has as much as one that was there from the start.
import type { ClientEvent } from "../../protocol/event.ts";
import { frameOf } from "./journal/journal.ts";
import type { UnstoredPart } from "./journal/parts.ts";
import { inPieces } from "./memory/text-pieces.ts";

/**
 * One part or row of the snapshot, ordered by `at`, the number of its end. `frames` renders a chunk: its last frame has
 * the id `last`, or none.
 */
export interface SnapshotEntry {
  at: number;
  chunks: { key: string; frames: (last: number | null) => string }[];
}

export function entryOfPart(owner: string, part: UnstoredPart): SnapshotEntry {
  const { startEvents, endEvents, chars, content, text, from } = part;
  const chunks = [{ key: `${owner}h:${from}`, frames: (last: number | null) => framesWithLastId(startEvents, last) }];
  if (chars > 0) {
    const frames = (last: number | null) => framesWithLastId([content(text())], last);
    chunks.push({ key: `${owner}p:${from}:${chars}`, frames });
  }
  if (part.end !== null) chunks.push({ key: `${owner}t:${from}`, frames: (last) => framesWithLastId(endEvents, last) });
  return { at: part.end ?? Number.POSITIVE_INFINITY, chunks };
}

/** The frames of all entries in order, in pieces. The last frame has the id `last`. */
export function* renderEntries(entries: SnapshotEntry[], last: number): Generator<string> {
  const chunks = entries.flatMap((each) => each.chunks);
  for (const [index, { key, frames }] of chunks.entries()) {
    const id = index === chunks.length - 1 ? last : null;
    yield* inPieces(`${key}:${id}`, () => frames(id));
  }
}

/** Frames without ids, except that the last one has the id `last` unless it is null. */
export function framesWithLastId(events: ClientEvent[], last: number | null): string {
  return events.map((event, index) => frameOf(index === events.length - 1 ? last : null, event)).join("");
}
