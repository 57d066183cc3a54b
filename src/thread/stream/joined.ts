// What is in the making, told to a reader that has nothing of it: each part as far as it has come, with one CONTENT. Only
// the last frame has a number: with it, the reader is where one that was there from the start is.
import type { ThreadEvent } from "../../protocol/event.ts";
import { frameOf } from "./journal.ts";
import type { UnstoredPart } from "./parts.ts";
import { inPieces } from "./text-pieces.ts";

/** Something that is told to who joins, in its place by the number of its end: `last` is the number of its last frame. */
export interface Joined {
  at: number;
  tellings: { key: string; frames: (last: number | null) => string }[];
}

export function tellPart(owner: string, part: UnstoredPart): Joined {
  const { heads, tails, chars, content, text, from } = part;
  const tellings = [{ key: `${owner}h:${from}`, frames: (last: number | null) => framesWithout(heads, last) }];
  if (chars > 0) {
    const frames = (last: number | null) => framesWithout([content(text())], last);
    tellings.push({ key: `${owner}p:${from}:${chars}`, frames });
  }
  if (part.end !== null) tellings.push({ key: `${owner}t:${from}`, frames: (last) => framesWithout(tails, last) });
  return { at: part.end ?? Number.POSITIVE_INFINITY, tellings };
}

/** In order, in pieces. */
export function* tellJoined(joined: Joined[], last: number): Generator<string> {
  const tellings = joined.flatMap((each) => each.tellings);
  for (const [index, { key, frames }] of tellings.entries()) {
    const id = index === tellings.length - 1 ? last : null;
    yield* inPieces(`${key}:${id}`, () => frames(id));
  }
}

/** Frames without numbers, but for the last. */
export function framesWithout(events: ThreadEvent[], last: number | null): string {
  return events.map((event, index) => frameOf(index === events.length - 1 ? last : null, event)).join("");
}
