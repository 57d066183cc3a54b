// What a journal gives a reader that comes back with a number.
import { describe, expect, it } from "vitest";
import { shapeOf } from "../../../../test/fakes/part-shapes.ts";
import { openDatabase } from "../../../../test/fakes/sqlite-database.ts";
import { eventsAfter, started } from "../../../../test/fakes/stage.ts";
import { readMeta } from "../../rows/database.ts";
import { Journal } from "./journal.ts";

describe("a life that finds an active run", () => {
  it("voids a part that was open before the last stored fact", () => {
    const database = openDatabase();
    const former = new Journal(database);
    former.openPart("r", shapeOf("text", "p", "m"));
    former.addDelta("p", "half a");
    const half = former.newest;
    const fact = database.transaction(() => former.addFact("r", started));
    const journal = new Journal(database);
    expect(journal.replay.canResume(half)).toBe(true);
    database.transaction(() => journal.voidFormerLife("r"));
    expect(journal.replay.canResume(half)).toBe(false);
    expect(journal.replay.canResume(fact)).toBe(false);
    const replayed = eventsAfter(journal, 0);
    expect(replayed.map(({ event }) => event)).toEqual([started]);
    expect(journal.replay.canResume(replayed[0]?.seq ?? 0)).toBe(true);
  });

  it("voids the very last number that the former one had reserved", () => {
    const database = openDatabase();
    const former = new Journal(database);
    former.openPart("r", shapeOf("text", "p", "m"));
    const reserved = readMeta(database.sql, "reserved_through", Number) ?? 0;
    while (former.newest < reserved) former.addDelta("p", "a");
    const journal = new Journal(database);
    database.transaction(() => journal.voidFormerLife("r"));
    expect(journal.replay.canResume(reserved)).toBe(false);
    expect(journal.replay.canResume(journal.newest)).toBe(true);
  });

  it("voids nothing where everything that was sent is stored", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    database.transaction(() => journal.voidFormerLife("r"));
    expect(journal.newest).toBe(0);
    expect(journal.replay.canResume(0)).toBe(true);
  });
});

describe("a replay", () => {
  it("stops before a part that is not stored yet, whose row would come too late", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    const before = database.transaction(() => journal.addFact("r", started));
    journal.openPart("r", shapeOf("text", "p", "m"));
    const start = journal.newest;
    journal.addDelta("p", "a");
    journal.closePart("p");
    database.transaction(() => journal.addFact("r", started));
    expect(journal.replay.canGoLive(before)).toBe(true);
    journal.log.forget(start);
    expect(eventsAfter(journal, 0).map(({ seq }) => seq)).toEqual([before]);
    expect(journal.replay.canGoLive(start)).toBe(false);
    expect(journal.replay.canResume(before)).toBe(false);
    database.transaction(() =>
      journal.storeParts(
        "m",
        () => true,
        () => started,
      ),
    );
    expect(journal.replay.canResume(before)).toBe(true);
    const types = eventsAfter(journal, before).map(({ event }) => event.type);
    expect(types).toEqual(["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_STARTED"]);
  });
});

describe("canResume", () => {
  it("refuses a reader that has only a START, once a fact would come before the rest of its part", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    const store = () =>
      database.transaction(() =>
        journal.storeParts(
          "m",
          () => true,
          () => started,
        ),
      );
    journal.openPart("r", shapeOf("text", "alone", "m"));
    const alone = journal.newest;
    journal.addDelta("alone", "a");
    store();
    journal.openPart("r", shapeOf("text", "p", "m"));
    const start = journal.newest;
    journal.addDelta("p", "a");
    database.transaction(() => journal.addFact("r", started));
    store();
    journal.log.forget(journal.newest);
    expect(journal.replay.canResume(alone)).toBe(true);
    expect(eventsAfter(journal, alone)[0]?.event.type).toBe("TEXT_MESSAGE_CONTENT");
    expect(journal.replay.canResume(start)).toBe(false);
  });

  it("refuses a number that was never used", () => {
    const journal = new Journal(openDatabase());
    expect(journal.replay.canResume(1)).toBe(false);
    addSomething(journal);
    expect(journal.replay.canResume(journal.newest)).toBe(true);
    expect(journal.replay.canResume(journal.newest + 1)).toBe(false);
  });

  it("distinguishes a fact's live reader from its replayed one while a part is open", () => {
    const database = openDatabase();
    const journal = new Journal(database);
    journal.openPart("r", shapeOf("text", "p", "m"));
    journal.addDelta("p", "a");
    const live = database.transaction(() => journal.addFact("r", started));
    journal.addDelta("p", "b");
    database.transaction(() =>
      journal.storeParts(
        "m",
        () => true,
        () => started,
      ),
    );
    journal.log.forget(journal.newest);
    const [replayed] = eventsAfter(journal, 0);
    expect(replayed?.seq).toBeLessThan(live);
    expect(journal.replay.canResume(live)).toBe(false);
    expect(journal.replay.canResume(replayed?.seq ?? 0)).toBe(true);
    expect(eventsAfter(journal, replayed?.seq ?? 0).map(({ event }) => event.type)).toEqual([
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
    ]);
  });
});

function addSomething(journal: Journal): void {
  journal.addEphemeral({ type: "CUSTOM", name: "sandbox", value: { state: "started", message: "ready" } });
}
