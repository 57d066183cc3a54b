// A journal and its readers on a clock that a test moves; its parts may be destructured (`const { add, fact } = new
// Stage()`).
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { Journal } from "../../src/thread/stream/journal/journal.ts";
import { type ReaderRequest, Readers } from "../../src/thread/stream/readers.ts";
import { parseFrames } from "./conversation.ts";
import { shapeOf } from "./part-shapes.ts";
import { openDatabase } from "./sqlite-database.ts";
import { FakeClock, FakeSink } from "./stream.ts";

export const started: ThreadEvent = { type: "RUN_STARTED", threadId: "t", runId: "r" };
export const finished: ThreadEvent = {
  type: "RUN_FINISHED",
  threadId: "t",
  runId: "r",
  outcome: { type: "success" },
};

/** What a reader with `after` gets of the journal's rows. */
export function eventsAfter({ replay }: Journal, after: number) {
  return replay.rowsAfter(after, 1000).flatMap((row) => replay.eventsOf(row, after));
}

export class Stage {
  readonly database = openDatabase();
  readonly clock = new FakeClock();
  readonly journal = new Journal(this.database);
  readonly readers = new Readers(this.journal, this.clock);

  readonly add = (paced: boolean, request: Partial<ReaderRequest> = {}): FakeSink => {
    const sink = new FakeSink({ paced });
    this.readers.add(sink, { after: 0, opening: [], end: () => null, idles: false, ...request });
    return sink;
  };

  readonly fact = (event: ThreadEvent = started): number =>
    this.database.transaction(() => this.journal.addFact("r", event));

  readonly open = (id: string): void => {
    this.journal.openPart("r", shapeOf("text", id, `m_${id}`));
  };

  readonly store = (id: string): void => {
    this.database.transaction(() =>
      this.journal.storeParts(
        `m_${id}`,
        () => true,
        () => started,
      ),
    );
  };
}

export function typesOf(text: string): string[] {
  return parseFrames(text).map(({ event }) => event.type);
}
