// Which numbers a life begins with, and when a block is reserved.
import { describe, expect, it } from "vitest";
import { say } from "../../../../test/fakes/replies.ts";
import { openDatabase } from "../../../../test/fakes/sqlite-database.ts";
import { FakeThread } from "../../../../test/fakes/thread.ts";
import { type Database, readMeta, writeMeta } from "../../rows/database.ts";
import { shapeOf as shapeOfPart } from "../events.ts";
import { Journal } from "./journal.ts";

const reservedIn = ({ sql }: Database): number => readMeta(sql, "reserved_through", Number) ?? 0;

const position = { message_seq: 0, plan_version: 0, thread_version: 0, project: true, run_seq: 0, released: 0 };

/** A thread at rest: one fact, and the position says so. */
function settled(): { database: Database; newest: number } {
  const database = openDatabase();
  const journal = new Journal(database);
  database.transaction(() => journal.addFact("r", { type: "STATE_DELTA", delta: [] }));
  database.transaction(() => writeMeta(database.sql, "synced", { ...position, settled: journal.settle() }));
  return { database, newest: journal.newest };
}

describe("a thread that sleeps after each turn", () => {
  it("goes on with its block of numbers, and its readers with their last one", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    await thread.run("hi");
    const { newest } = thread.life.journal;
    const reserved = reservedIn(thread.life.database);
    for (let turn = 0; turn < 3; turn++) {
      thread.crash();
      expect(thread.life.journal.replay.canResume(newest)).toBe(true);
      expect(thread.life.journal.newest).toBeLessThan(reserved);
      await thread.run("and?");
    }
    expect(reservedIn(thread.life.database)).toBe(reserved);
    const rows = thread.life.database.sql.exec<{ from_seq: number; seq: number }>(
      "SELECT from_seq, seq FROM journal ORDER BY seq",
    );
    const ranges = rows.toArray();
    for (const [place, { from_seq }] of ranges.entries()) expect(from_seq).toBeGreaterThan(ranges[place - 1]?.seq ?? 0);
  });
});

describe("a life takes a new block", () => {
  const begin = ({ database, newest }: { database: Database; newest: number }) => {
    const before = reservedIn(database);
    return { before, newest, begun: new Journal(database).newest };
  };

  it("unless every number has its row", () => {
    const { newest, begun } = begin(settled());
    expect(begun).toBe(newest);
  });

  it("after one that sent something which has no row", () => {
    const { database } = settled();
    const journal = new Journal(database);
    journal.openPart("r", shapeOfPart({ kind: "text", part_id: "p", message_id: "m" }));
    const sent = journal.newest;
    expect(new Journal(database).newest).toBeGreaterThan(sent);
  });

  it("after one that stored a later row", () => {
    const { database } = settled();
    const journal = new Journal(database);
    database.transaction(() => journal.addFact("r", { type: "STATE_DELTA", delta: [] }));
    journal.addEphemeral({ type: "CUSTOM", name: "model_retry", value: { attempt: 1, after_ms: 5 } });
    expect(new Journal(database).newest).toBeGreaterThan(journal.newest);
  });
});
