// When what was gathered for readers is written.
import { describe, expect, it, vi } from "vitest";
import { Stage, started, typesOf } from "../../../test/fakes/stage.ts";
import { settle } from "../../../test/fakes/stream.ts";

describe("the gather window", () => {
  it("sends the first delta of a part at once, with its START, and the others of 16 ms in one write", async () => {
    const { clock, journal, add, open } = new Stage();
    const sink = add(false);
    clock.advance(100);
    open("p");
    journal.addDelta("p", "a");
    await settle();
    expect(sink.writes.map(typesOf)).toEqual([["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]]);
    for (const text of ["b", "c", "d"]) {
      clock.advance(5);
      journal.addDelta("p", text);
      await settle();
    }
    expect(sink.writes).toHaveLength(1);
    clock.advance(1);
    await settle();
    expect(sink.writes).toHaveLength(2);
    expect(typesOf(sink.writes[1] ?? "")).toHaveLength(3);
    open("q");
    journal.addDelta("q", "at once");
    await settle();
    expect(sink.writes).toHaveLength(3);
  });

  it("keeps its timer where urgent events are written meanwhile", async () => {
    const { clock, journal, add, fact, open } = new Stage();
    const sink = add(false);
    clock.advance(100);
    open("p");
    const set = vi.spyOn(clock, "setTimer");
    for (let round = 0; round < 8; round++) {
      fact();
      await settle();
      for (const text of ["a", "b", "c"]) journal.addDelta("p", text);
      await settle();
      clock.advance(4);
    }
    expect(set).toHaveBeenCalledTimes(3);
    clock.advance(16);
    await settle();
    expect(typesOf(sink.text)).toHaveLength(1 + 8 * 4);
  });

  it("ends with its timer, whatever the clock says, since a clock may stand or be set back", async () => {
    const { clock, journal, add, open } = new Stage();
    const sink = add(false);
    clock.advance(100);
    open("p");
    journal.addDelta("p", "a");
    await settle();
    vi.spyOn(clock, "now").mockReturnValue(clock.now() - 10_000);
    journal.addDelta("p", "b");
    await settle();
    clock.advance(16);
    await settle();
    expect(typesOf(sink.text)).toHaveLength(3);
  });

  it("does not hold back a delta that comes after a pause", async () => {
    const { clock, journal, add, open } = new Stage();
    const sink = add(false);
    open("p");
    journal.addDelta("p", "a");
    await settle();
    clock.advance(16);
    journal.addDelta("p", "b");
    await settle();
    expect(sink.writes).toHaveLength(2);
  });

  it("never ends inside a transaction: nothing is written before the transaction is over", async () => {
    const { database, journal, add } = new Stage();
    const sink = add(false);
    database.transaction(() => {
      journal.addFact("r", started);
      expect(sink.writes).toEqual([]);
    });
    await settle();
    expect(sink.writes).toHaveLength(1);
  });

  it("does not delay an urgent event that came while a write was in flight", async () => {
    const { journal, fact, add, open } = new Stage();
    const sink = add(true);
    fact();
    await settle();
    open("p");
    journal.addDelta("p", "first");
    await settle();
    expect(sink.writes).toHaveLength(1);
    sink.take();
    await settle();
    expect(sink.writes.map(typesOf)).toEqual([["RUN_STARTED"], ["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]]);
    journal.addDelta("p", "second");
    await settle();
    sink.take();
    await settle();
    expect(sink.writes).toHaveLength(2);
  });

  it("does not delay a reader whose next write is full: a fast model leaves no reader behind", async () => {
    const { clock, journal, readers, add, open } = new Stage();
    const sink = add(true);
    open("p");
    journal.addDelta("p", "a");
    await settle();
    for (let count = 0; count < 40; count++) {
      journal.addDelta("p", "x".repeat(8 * 1024));
      clock.advance(1);
      await settle();
      sink.take();
      await settle();
    }
    // 40 ms and 320 KiB later: two windows would have brought two writes of 64 KiB.
    expect(journal.log.written - sink.text.length).toBeLessThan(128 * 1024);
    expect(readers.count).toBe(1);
  });

  it("leaves no timer behind without readers", async () => {
    const { clock, journal, open } = new Stage();
    open("p");
    for (let count = 0; count < 10; count++) journal.addDelta("p", "a");
    await settle();
    expect(clock.timers).toBe(0);
  });
});
