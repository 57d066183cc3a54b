import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { anyScript } from "../../../test/fakes/any-script.ts";
import { parseFrames } from "../../../test/fakes/conversation.ts";
import { ScriptedThread } from "../../../test/fakes/scripted-thread.ts";
import { finished, Stage, typesOf } from "../../../test/fakes/stage.ts";
import { FakeSink, settle } from "../../../test/fakes/stream.ts";
import type { ThreadEvent } from "../../protocol/event.ts";

const quarter = "x".repeat(256 * 1024);

describe("many readers", () => {
  it("of any speed end with the same bytes, one write in flight each", async () => {
    const paces = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: false }), paces, async (script, taking) => {
        const thread = new ScriptedThread();
        const sinks = taking.map(() => new FakeSink({ paced: true }));
        for (const sink of sinks) thread.readers.add(sink, thread.request(0));
        for (const [index, step] of script.entries()) {
          thread.perform(step);
          for (const [number, sink] of sinks.entries()) {
            if (taking[number]?.[index % taking[number].length]) sink.take();
          }
          await settle();
        }
        thread.finish();
        for (let round = 0; round < 20; round++) {
          await settle();
          for (const sink of sinks) sink.take();
          thread.clock.advance(20);
        }
        const { log, released } = thread.journal;
        const all = log.after(0, released, Number.POSITIVE_INFINITY).map(({ text }) => text);
        for (const sink of sinks) {
          expect(sink.text).toBe(all.join(""));
          expect(sink.overlapping).toBe(0);
          expect(sink.isOpen).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("side by side share one encoding", async () => {
    const stage = new Stage();
    const sinks = [stage.add(false), stage.add(false), stage.add(false)];
    stage.fact();
    await settle();
    const [first] = sinks[0]?.bytes ?? [];
    expect(first).toBeDefined();
    for (const sink of sinks) expect(sink.bytes[0]).toBe(first);
  });

  it("go on unchanged when a write to one of them fails", async () => {
    const stage = new Stage();
    const gone = stage.add(true);
    const stays = stage.add(false);
    stage.fact();
    await settle();
    gone.leave();
    await settle();
    expect(stage.readers.count).toBe(1);
    stage.fact(finished);
    await settle();
    expect(typesOf(stays.text)).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
    expect(gone.writes).toHaveLength(1);
  });

  it("go on when what comes next can't be read for one of them, which is cut", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const stage = new Stage();
    let isBroken = false;
    const end = () => {
      if (isBroken) throw new Error("damaged");
      return null;
    };
    const [waits, writes] = [stage.add(false, { end }), stage.add(true, { end })];
    const stays = stage.add(false);
    stage.fact();
    await settle();
    isBroken = true;
    stage.fact(finished);
    writes.take();
    await settle();
    expect([waits.aborted, writes.aborted].every((reason) => reason?.includes("failed"))).toBe(true);
    expect(typesOf(stays.text)).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
    const late = stage.add(false, { end });
    await settle();
    expect([late.isOpen, stage.readers.count]).toEqual([false, 1]);
  });
});

describe("a slow reader", () => {
  it("is cut, not closed, once it is 1 MiB behind live data, and another is not slowed", async () => {
    const { clock, journal, readers, add, open } = new Stage();
    const slow = add(true);
    const quick = add(false);
    open("p");
    // The newest event does not count, since it may be long by itself.
    for (let count = 0; count < 4; count++) {
      journal.addDelta("p", quarter);
      clock.advance(16);
      await settle();
    }
    expect(slow.isOpen).toBe(true);
    journal.addDelta("p", quarter);
    clock.advance(16);
    await settle();
    expect(slow.closed).toBe(false);
    expect(slow.aborted).toContain("too far behind");
    expect(readers.count).toBe(1);
    clock.advance(100);
    await settle();
    expect(quick.text.length).toBeGreaterThan(4 * quarter.length);
  });

  it("is not cut by one long event, a run's end with its result", async () => {
    const { clock, fact, readers, add } = new Stage();
    const sink = add(true);
    fact();
    await settle();
    const result = { text: "r".repeat(1_200_000), unfinished_tasks: 0 };
    fact({ ...finished, result } as ThreadEvent);
    clock.advance(16);
    await settle();
    expect(readers.count).toBe(1);
    sink.take();
    await settle();
    sink.take();
    await settle();
    expect(typesOf(sink.text)).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
  });

  it("in a replay is not cut however long it takes, and reaches the live events", async () => {
    const { clock, journal, add, open, store } = new Stage();
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      open(id);
      journal.addDelta(id, id.repeat(100_000));
      store(id);
    }
    journal.log.forget(journal.newest);
    const slow = add(true);
    open("live");
    for (let count = 0; count < 8; count++) {
      journal.addDelta("live", quarter);
      clock.advance(16);
      await settle();
    }
    expect(slow.isOpen).toBe(true);
    // It did not keep up, so live events come when the thread is calm.
    for (let round = 0; round < 30; round++) {
      slow.take();
      await settle();
      clock.advance(1000);
    }
    const events = parseFrames(slow.text).map(({ event }) => event);
    expect(events).toHaveLength(6 * 3 + 1 + 8);
    expect(slow.overlapping).toBe(0);
  });

  it("gets one large row at a time", async () => {
    const { journal, add, open, store } = new Stage();
    for (const id of ["a", "b", "c"]) {
      open(id);
      journal.addDelta(id, id.repeat(1_200_000));
      store(id);
    }
    journal.log.forget(journal.newest);
    const slow = add(true);
    expect(slow.bytes[0]?.byteLength).toBeLessThan(1_300_000);
    slow.take();
    await settle();
    expect(slow.bytes).toHaveLength(2);
  });

  it("is cut if memory has dropped the frame that it needs next", async () => {
    const { clock, journal, add, open } = new Stage();
    const slow = add(true);
    open("p");
    journal.addDelta("p", "a");
    await settle();
    journal.addDelta("p", "b");
    journal.log.forget(journal.newest);
    slow.take();
    await settle();
    clock.advance(16);
    await settle();
    expect(slow.closed).toBe(false);
    expect(slow.aborted).toContain("resume with the last id");
  });
});

describe("pings", () => {
  it("come each 10 s, only while there are readers", async () => {
    const { clock, readers, add } = new Stage();
    expect(clock.timers).toBe(0);
    const sink = add(false);
    clock.advance(10_000);
    await settle();
    clock.advance(10_000);
    await settle();
    expect(sink.writes).toEqual([": ping\n", ": ping\n"]);
    sink.leave();
    clock.advance(10_000);
    await settle();
    expect(readers.count).toBe(0);
    expect(clock.timers).toBe(0);
    const next = add(false);
    clock.advance(10_000);
    expect(next.writes).toEqual([": ping\n"]);
  });

  it("are not added to a write that is in flight", async () => {
    const { clock, add, fact } = new Stage();
    const slow = add(true);
    fact();
    await settle();
    clock.advance(30_000);
    expect(slow.writes).toHaveLength(1);
    expect(slow.overlapping).toBe(0);
  });
});
