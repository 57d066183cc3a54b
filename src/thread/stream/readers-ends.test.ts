// How a reader's stream begins and ends. What is in between is in `readers.test.ts`.
import { describe, expect, it } from "vitest";
import { parseFrames } from "../../../test/fakes/conversation.ts";
import { finished, Stage, typesOf } from "../../../test/fakes/stage.ts";
import { FakeSink, settle } from "../../../test/fakes/stream.ts";
import { Journal } from "./journal/journal.ts";
import { Readers } from "./readers.ts";

describe("the end of a stream", () => {
  it("is a clean close right after its event, which comes with its release", async () => {
    const { clock, database, journal, readers, add, fact } = new Stage();
    let end: number | null = null;
    const run = add(false, { end: () => end });
    const thread = add(false);
    fact();
    database.transaction(() => {
      journal.hold(journal.newest + 1);
      end = journal.addFact("r", finished);
    });
    clock.advance(100);
    await settle();
    expect(typesOf(run.text)).toEqual(["RUN_STARTED"]);
    expect(run.isOpen).toBe(true);
    journal.release();
    fact();
    await settle();
    expect(typesOf(run.text)).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
    expect(run.closed).toBe(true);
    expect(typesOf(thread.text)).toHaveLength(3);
    expect(readers.count).toBe(1);
  });

  it("comes at once to a reader that has everything", () => {
    const { readers, add, fact } = new Stage();
    const end = fact(finished);
    const sink = add(false, { after: end, end: () => end });
    expect(sink.closed).toBe(true);
    expect(sink.writes).toEqual([]);
    expect(readers.count).toBe(0);
  });

  it("that a former life held is waited for in a replay", async () => {
    const first = new Stage();
    first.fact();
    const end = first.fact(finished);
    const journal = new Journal(first.database);
    journal.hold(end);
    const readers = new Readers(journal, first.clock);
    const sink = new FakeSink();
    readers.add(sink, { after: 0, opening: [], end: () => end, idles: false });
    await settle();
    expect(typesOf(sink.text)).toEqual(["RUN_STARTED"]);
    expect(sink.isOpen).toBe(true);
    journal.release();
    await settle();
    expect(typesOf(sink.text)).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
    expect(sink.closed).toBe(true);
  });

  it("is an abort for all readers if what they wait for will not come", () => {
    const { readers, add } = new Stage();
    const sinks = [add(false), add(true)];
    readers.cutAll("the thread was deleted");
    expect(sinks.map(({ closed, aborted }) => [closed, aborted])).toEqual([
      [false, "the thread was deleted"],
      [false, "the thread was deleted"],
    ]);
    expect(readers.count).toBe(0);
  });
});

describe("an idle thread", () => {
  it("closes readers that wait for no certain run, and no reader of a run", async () => {
    const { readers, add, fact } = new Stage();
    fact();
    await settle();
    const idle = add(false, { idles: true });
    const run = add(false);
    await settle();
    readers.closeIdle("retry: 20000\n");
    await settle();
    expect(idle.writes.at(-1)).toBe("retry: 20000\n");
    expect(idle.closed).toBe(true);
    expect(run.isOpen).toBe(true);
  });

  it("closes a reader with a write in flight as soon as it has taken the write", async () => {
    const { clock, readers, add } = new Stage();
    const sink = add(true, { idles: true });
    clock.advance(10_000);
    readers.closeIdle("retry: 20000\n");
    expect(sink.writes).toEqual([": ping\n"]);
    sink.take();
    await settle();
    sink.take();
    await settle();
    expect(sink.writes).toEqual([": ping\n", "retry: 20000\n"]);
    expect(sink.overlapping).toBe(0);
    expect(sink.closed).toBe(true);
  });

  it("does not close a reader that gets something new first", async () => {
    const { clock, readers, journal, add, fact } = new Stage();
    fact();
    await settle();
    const behind = add(false, { after: journal.newest, idles: true });
    clock.advance(1);
    journal.addEphemeral({ type: "CUSTOM", name: "sandbox", value: { state: "stopped", message: "" } });
    readers.closeIdle("retry: 20000\n");
    clock.advance(16);
    await settle();
    expect(typesOf(behind.text)).toEqual(["CUSTOM"]);
    expect(behind.isOpen).toBe(true);
  });
});

describe("an opening", () => {
  it("comes first and whole, in one write with what has happened since", async () => {
    const { journal, add, fact } = new Stage();
    fact();
    const after = journal.newest;
    fact(finished);
    const sink = add(true, { after, opening: ["retry: 1000\n", `id: ${after}\ndata: {"type":"X"}\n\n`] });
    const opening = `retry: 1000\nid: ${after}\ndata: {"type":"X"}\n\n`;
    expect(sink.writes).toHaveLength(1);
    expect(sink.text.startsWith(opening)).toBe(true);
    expect(typesOf(sink.text.slice(opening.length))).toEqual(["RUN_FINISHED"]);
    sink.take();
    await settle();
    expect(sink.writes).toHaveLength(1);
  });
});

describe("a reader of a queued run", () => {
  it("waits behind its opening, then begins where the run does", async () => {
    const { add, fact } = new Stage();
    let begin: number | null = null;
    const sink = add(false, { opening: ["retry: 1000\n"], begin: () => begin, run: "later" });
    fact();
    await settle();
    expect(sink.text).toBe("retry: 1000\n");
    begin = fact({ type: "RUN_STARTED", threadId: "t", runId: "later" }) - 1;
    await settle();
    expect(parseFrames(sink.text).map(({ event }) => event)).toEqual([
      { type: "RUN_STARTED", threadId: "t", runId: "later" },
    ]);
  });

  it("gets its opening and the run's first events in one write if the run starts at once", async () => {
    const { clock, add, fact } = new Stage();
    let begin: number | null = null;
    const sink = add(false, { opening: ["retry: 1000\n"], begin: () => begin, run: "now" });
    begin = fact() - 1;
    await settle();
    expect(sink.writes).toHaveLength(1);
    expect(sink.writes[0]).toMatch(/^retry: 1000\nid: /);
    clock.advance(16);
    await settle();
    expect(sink.writes).toHaveLength(1);
  });

  it("gets its opening after a gather window while the run waits, and only once", async () => {
    const { clock, add, fact } = new Stage();
    let begin: number | null = null;
    const sink = add(false, { opening: ["retry: 1000\n"], begin: () => begin, run: "later" });
    clock.advance(15);
    await settle();
    expect(sink.text).toBe("");
    clock.advance(1);
    await settle();
    expect(sink.text).toBe("retry: 1000\n");
    begin = fact() - 1;
    await settle();
    expect(sink.text.match(/retry/g)).toHaveLength(1);
    expect(typesOf(sink.text)).toEqual(["RUN_STARTED"]);
  });

  it("gets last frames and is closed if the run will not start", async () => {
    const { readers, add } = new Stage();
    const sink = add(false, { opening: ["retry: 1000\n"], begin: () => null, run: "later" });
    const other = add(false, { begin: () => null, run: "another" });
    await settle();
    readers.endWaiting("later", "data: {}\n\n");
    await settle();
    expect(sink.text).toBe("retry: 1000\ndata: {}\n\n");
    expect(sink.closed).toBe(true);
    expect(other.isOpen).toBe(true);
  });
});

describe("the lowest cursor", () => {
  it("is the newest number without readers, and otherwise the position of the slowest live reader", async () => {
    const { clock, journal, readers, add, fact } = new Stage();
    fact();
    expect(readers.lowestCursor()).toBe(journal.newest);
    const slow = add(true);
    add(false);
    const given = journal.newest;
    await settle();
    fact();
    clock.advance(16);
    await settle();
    expect(readers.lowestCursor()).toBe(given);
    slow.leave();
    await settle();
    expect(readers.lowestCursor()).toBe(journal.newest);
  });

  it("may have changed whenever a reader took something or left, which onProgress reports", async () => {
    const { readers, add, fact } = new Stage();
    let reports = 0;
    readers.onProgress = () => {
      reports += 1;
    };
    const slow = add(true);
    fact();
    await settle();
    expect(reports).toBe(0);
    slow.take();
    await settle();
    expect(reports).toBe(1);
    slow.leave();
    fact();
    await settle();
    expect(reports).toBe(2);
  });
});
