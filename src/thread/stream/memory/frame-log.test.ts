import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FrameLog } from "./frame-log.ts";

const MIB = 1024 * 1024;
const megabyte = "x".repeat(MIB);
const logs: FrameLog[] = [];
let Log: typeof FrameLog;

function newLog(floor = 0): FrameLog {
  const log = new Log(floor);
  logs.push(log);
  return log;
}

// All logs of a module share one count of memory, and test files share modules. So the tests count only their own logs,
// and each test gives back what it took.
beforeEach(async () => {
  vi.resetModules();
  ({ FrameLog: Log } = await import("./frame-log.ts"));
});
afterEach(() => {
  for (const log of logs.splice(0)) log.clear();
});

describe("FrameLog", () => {
  it("holds exactly what was pushed after its floor", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ gap: fc.integer({ min: 1, max: 4 }), size: fc.nat(30) }) },
      { weight: 1, arbitrary: fc.record({ forget: fc.nat(120) }) },
      { weight: 1, arbitrary: fc.record({ clear: fc.constant(true) }) },
    );
    return fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.nat(150),
        fc.nat(150),
        fc.nat(200),
        (steps, from, to, limit) => {
          const log = newLog();
          let kept: { seq: number; text: string }[] = [];
          let seq = 0;
          let floor = 0;
          for (const action of steps) {
            if ("gap" in action) {
              seq += action.gap;
              kept.push({ seq, text: "a".repeat(action.size) });
              log.push(seq, "a".repeat(action.size));
            } else {
              const last = "forget" in action ? action.forget : (kept.at(-1)?.seq ?? floor);
              floor = Math.max(floor, last);
              kept = kept.filter((frame) => frame.seq > last);
              if ("forget" in action) log.forget(last);
              else log.clear();
            }
            seq = Math.max(seq, floor);
          }
          expect(log.floor).toBe(floor);
          expect(log.memory).toBe(kept.reduce((sum, { text }) => sum + text.length, 0));
          const wanted = kept.filter((frame) => frame.seq > from && frame.seq <= to);
          const read = (most: number) => log.after(from, to, most).map(({ seq, text }) => ({ seq, text }));
          expect(read(Number.POSITIVE_INFINITY)).toEqual(wanted);
          const some = read(limit);
          expect(some).toEqual(wanted.slice(0, some.length));
          if (some.length < wanted.length) {
            const length = some.reduce((sum, { text }) => sum + text.length, 0);
            expect(length).toBeGreaterThanOrEqual(limit);
            expect(length - (some.at(-1)?.text.length ?? 0)).toBeLessThanOrEqual(limit);
          }
        },
      ),
    );
  });

  it("keeps 4 MiB of a thread, and its floor says after which number it has every frame", () => {
    const log = newLog();
    for (let seq = 1; seq <= 9; seq++) log.push(seq, megabyte);
    expect(log.memory).toBe(4 * MIB);
    expect(log.floor).toBe(5);
    expect(log.written).toBe(9 * MIB);
    expect(log.after(5, 9, Number.POSITIVE_INFINITY).map(({ seq }) => seq)).toEqual([6, 7, 8, 9]);
  });

  it("drops a frame that is larger than a thread's memory, and moves its floor past it", () => {
    const log = newLog();
    log.push(3, "x".repeat(5 * MIB));
    expect(log.memory).toBe(0);
    expect(log.floor).toBe(3);
  });

  it("stays in order over many thousand small frames", () => {
    const log = newLog();
    for (let seq = 1; seq <= 60_000; seq++) log.push(seq, "y".repeat(100));
    const frames = log.after(log.floor, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    expect(frames.length * 100).toBe(log.memory);
    expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, index) => log.floor + 1 + index));
    expect(frames.at(-1)?.seq).toBe(60_000);
  });

  it("shrinks the largest log once the isolate's memory is full, so that a newer log has as much", () => {
    const early = Array.from({ length: 8 }, () => {
      const log = newLog();
      for (let seq = 1; seq <= 64; seq++) log.push(seq, "e".repeat(64 * 1024));
      return log;
    });
    const late = newLog();
    for (let seq = 1; seq <= 128; seq++) late.push(seq, "l".repeat(8 * 1024));
    expect(late.memory).toBe(MIB);
    const memories = early.map(({ memory }) => memory);
    expect(memories.reduce((sum, memory) => sum + memory, late.memory)).toBeLessThanOrEqual(12 * MIB);
    expect(Math.min(...memories)).toBeGreaterThan(MIB);
    for (const log of early) expect(log.after(log.floor, 64, Number.POSITIVE_INFINITY).at(-1)?.seq).toBe(64);
  });

  it("counts a text with one Chinese character twice, as it is in memory, and what a frame takes beside its text", () => {
    const logs = Array.from({ length: 12 }, () => newLog());
    for (let seq = 1; seq <= 64; seq++) for (const log of logs) log.push(seq, `长${"e".repeat(64 * 1024 - 1)}`);
    expect(logs.reduce((sum, log) => sum + log.memory, 0)).toBeLessThanOrEqual(6 * MIB);
    const log = newLog();
    log.push(1, "short", 5);
    expect(log.bytes).toBeGreaterThan(100);
    log.clear();
    expect(log.bytes).toBe(0);
  });

  it("leaves each thread its floor, and all threads together no more than a part for that", () => {
    const many = Array.from({ length: 400 }, () => newLog());
    for (let seq = 1; seq <= 40; seq++) for (const log of many) log.push(seq, "t".repeat(8 * 1024));
    const memories = many.map(({ memory }) => memory);
    expect(Math.min(...memories)).toBeGreaterThanOrEqual(8 * 1024);
    expect(memories.reduce((sum, memory) => sum + memory)).toBeLessThanOrEqual(12 * MIB);
  });

  it("keeps nothing of the frames that it dropped", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const log = newLog();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let seq = 1; seq <= 40; seq++) log.push(seq, `${seq}${"x".repeat(MIB)}`);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 * MIB);
  });

  it("gets the memory of a log back that was collected without a word", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const fill = () => {
      for (let count = 0; count < 8; count++) {
        const log = new Log(0);
        for (let seq = 1; seq <= 4; seq++) log.push(seq, megabyte);
      }
    };
    fill();
    const kept = Array.from({ length: 2 }, () => newLog());
    const areFull = () => kept.every(({ memory }) => memory === 4 * MIB);
    // A finalizer runs some turns after the collection; how many is the engine's choice. Each collection of what all test
    // files hold takes long, so what each log needs for its whole memory comes after each.
    for (let seq = 1; !areFull() && seq < 10_000; ) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
      for (let count = 0; count < 64; count++, seq++) for (const log of kept) log.push(seq, "z".repeat(64 * 1024));
    }
    expect(areFull()).toBe(true);
  });
});
