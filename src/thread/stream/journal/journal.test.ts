// The journal's numbers, rows and frames. What a returning reader gets is in `replay.test.ts`, what readers make of it
// in `resume.test.ts`.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyScript } from "../../../../test/fakes/any-script.ts";
import { parseFrames } from "../../../../test/fakes/conversation.ts";
import { shapeOf } from "../../../../test/fakes/part-shapes.ts";
import { ScriptedThread } from "../../../../test/fakes/scripted-thread.ts";
import { openDatabase } from "../../../../test/fakes/sqlite-database.ts";
import { eventsAfter, started } from "../../../../test/fakes/stage.ts";
import type { ThreadEvent } from "../../../protocol/event.ts";
import { type Database, readMeta } from "../../rows/database.ts";
import { Journal } from "./journal.ts";

const ALL = Number.POSITIVE_INFINITY;
/** Where some clients end a line. */
const unicodeEnds = /[\u0085\u2028\u2029]/;

function framesOf(journal: Journal, after = 0) {
  return parseFrames(
    journal.log
      .after(after, journal.released, ALL)
      .map(({ text }) => text)
      .join(""),
  );
}

function writeText(database: Database, journal: Journal, id: string, pieces: string[]): void {
  journal.openPart("r", shapeOf("text", id, `m_${id}`));
  for (const piece of pieces) journal.addDelta(id, piece);
  database.transaction(() =>
    journal.storeParts(
      `m_${id}`,
      () => true,
      () => started,
    ),
  );
}

describe("numbers", () => {
  it("only grow, and are reserved in storage before they are used, in every life", () => {
    return fc.assert(
      fc.property(anyScript({ disasters: true }), (script) => {
        const thread = new ScriptedThread();
        let newest = 0;
        let life = thread.journal;
        for (const step of script) {
          thread.perform(step);
          const { journal } = thread;
          if (journal !== life) expect(journal.log.floor).toBeGreaterThanOrEqual(newest);
          life = journal;
          expect(journal.newest).toBeGreaterThanOrEqual(newest);
          newest = journal.newest;
          if (newest > 0)
            expect(readMeta(thread.database.sql, "reserved_through", Number)).toBeGreaterThanOrEqual(newest);
          const numbers = journal.log.after(0, ALL, ALL).map(({ seq }) => seq);
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        }
        thread.finish();
        for (const [index, { last }] of thread.lives.entries()) {
          expect(thread.lives[index + 1]?.first ?? last).toBeGreaterThanOrEqual(last);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("of a life that ended in mid-transaction are never used again", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    database.transaction(() => journal.addFact("r", started));
    const sent = journal.newest;
    const failing = () =>
      database.transaction(() => {
        journal.addFact("r", ...Array.from({ length: 1500 }, () => started));
        throw new Error("the disk is full");
      });
    expect(failing).toThrow();
    const next = new Journal(database);
    expect(database.transaction(() => next.addFact("r", started))).toBeGreaterThan(sent);
  });

  it("cost one stored reservation for a thousand deltas", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    journal.openPart("r", shapeOf("text", "p", "m"));
    const before = database.statements;
    for (let count = 0; count < 990; count++) journal.addDelta("p", "a");
    expect(database.statements).toBe(before);
    for (let count = 0; count < 1000; count++) journal.addDelta("p", "a");
    expect(database.statements).toBe(before + 1);
  });
});

describe("a part", () => {
  it("is one row that a replay sends as START, one CONTENT and END, up to the number of its live END", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    writeText(database, journal, "p", ["电商", "🛒"]);
    const end = journal.newest;
    expect(eventsAfter(journal, 0)).toEqual([
      { seq: end - 2, event: { type: "TEXT_MESSAGE_START", messageId: "p", role: "assistant" } },
      { seq: end - 1, event: { type: "TEXT_MESSAGE_CONTENT", messageId: "p", delta: "电商🛒" } },
      { seq: end, event: { type: "TEXT_MESSAGE_END", messageId: "p" } },
    ]);
    expect(framesOf(journal).at(-1)).toEqual(eventsAfter(journal, 0).at(-1));
  });

  it("without text has no CONTENT, live or replayed", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    writeText(database, journal, "p", ["", ""]);
    const types = ["TEXT_MESSAGE_START", "TEXT_MESSAGE_END"];
    expect(eventsAfter(journal, 0).map(({ event }) => event.type)).toEqual(types);
    expect(framesOf(journal).map(({ event }) => event.type)).toEqual(types);
  });

  it("sends its deltas unchanged, whatever id the model gives it and wherever the model cuts the text", () => {
    return fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\u0001", '"\\', "\n\n", "data: ", "\u2028", "\u0085")),
        fc.array(fc.string({ unit: fc.constantFrom("\ud83d", "\uded2", "电", "\n", '"', "\u0001", "\u2028") })),
        (id, pieces) => {
          const database = openDatabase();
          const journal = new Journal(database);
          const shape = shapeOf("tool_call", id, "m");
          journal.openPart("r", shape);
          for (const piece of pieces) journal.addDelta(id, piece);
          const frames = framesOf(journal);
          for (const { text } of journal.log.after(0, journal.released, ALL)) expect(text).not.toMatch(unicodeEnds);
          const sent = pieces.filter((piece) => piece !== "");
          expect(frames.map(({ event }) => event)).toEqual([...shape.startEvents, ...sent.map(shape.content)]);
          database.transaction(() =>
            journal.storeParts(
              "m",
              () => true,
              () => started,
            ),
          );
          const whole = sent.join("");
          expect(eventsAfter(journal, 0).map(({ event }) => event)).toEqual([
            ...shape.startEvents,
            ...(whole === "" ? [] : [shape.content(whole)]),
            ...shape.endEvents,
          ]);
        },
      ),
    );
  });

  it("over 1 MB comes back whole, in a later life too", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    const pieces = ["a".repeat(299_950), ..."🛒".repeat(100), "电商网站".repeat(200_000), "\ud83d", "\uded2"];
    writeText(database, journal, "p", pieces);
    const content = eventsAfter(new Journal(database), 0)[1]?.event;
    expect(content).toEqual({ type: "TEXT_MESSAGE_CONTENT", messageId: "p", delta: pieces.join("") });
  });

  it("that is closed takes no delta, and is closed once", () => {
    const journal = new Journal(openDatabase());
    journal.openPart("r", shapeOf("text", "p", "m"));
    journal.closePart("p");
    const { newest } = journal;
    journal.closePart("p");
    journal.closePart("unknown");
    expect(journal.newest).toBe(newest);
    expect(() => journal.addDelta("p", "late")).toThrow("not open");
    expect(() => journal.addDelta("unknown", "text")).toThrow("not open");
  });

  it("is live until its message is stored, with its text so far", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    journal.openPart("r", shapeOf("reasoning", "p", "m"));
    journal.addDelta("p", "hm");
    journal.openPart("r", shapeOf("tool_call", "call", "m"));
    journal.closePart("p");
    const parts = () => journal.liveParts().map(({ part_id, open, text }) => ({ part_id, open, text }));
    expect(parts()).toEqual([
      { part_id: "p", open: false, text: "hm" },
      { part_id: "call", open: true, text: "" },
    ]);
    database.transaction(() =>
      journal.storeParts(
        "m",
        () => true,
        () => started,
      ),
    );
    expect(parts()).toEqual([]);
  });
});

describe("a message that is dropped", () => {
  it("is closed and taken back by the snapshot for readers that saw it, and is never in a replay", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    const snapshot: ThreadEvent = { type: "MESSAGES_SNAPSHOT", messages: [] };
    database.transaction(() => journal.addFact("r", started));
    journal.openPart("r", shapeOf("text", "p", "m"));
    journal.addDelta("p", "half a");
    database.transaction(() =>
      journal.storeParts(
        "m",
        () => false,
        () => snapshot,
      ),
    );
    expect(framesOf(journal).map(({ event }) => event.type)).toEqual([
      "RUN_STARTED",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "MESSAGES_SNAPSHOT",
    ]);
    expect(eventsAfter(journal, 0).map(({ event }) => event.type)).toEqual(["RUN_STARTED"]);
  });

  it("asks for no snapshot where nothing was dropped", () => {
    const journal = new Journal(openDatabase());
    const snapshot = () => {
      throw new Error("asked for");
    };
    journal.storeParts("unknown", () => false, snapshot);
    journal.openPart("r", shapeOf("text", "p", "m"));
    journal.storeParts("m", () => true, snapshot);
    expect(journal.liveParts()).toEqual([]);
  });
});

describe("a held number", () => {
  it("keeps itself and all that follows from memory and rows, until it is released", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    const last = database.transaction(() => journal.addFact("r", started));
    database.transaction(() => {
      journal.hold(journal.newest + 1);
      journal.addFact("r", started);
    });
    database.transaction(() => journal.addFact("r", started));
    journal.addEphemeral({ type: "CUSTOM", name: "model_retry", value: { attempt: 1, after_ms: 1 } });
    expect(journal.released).toBe(last);
    expect(framesOf(journal).map(({ seq }) => seq)).toEqual([last]);
    expect(eventsAfter(journal, 0).map(({ seq }) => seq)).toEqual([last]);
    journal.release();
    expect(framesOf(journal)).toHaveLength(4);
    expect(eventsAfter(journal, 0)).toHaveLength(3);
  });
});
