import { describe, expect, it } from "vitest";
import { endFormerStreams, endSilentStreams, noteAlive, openHere, watchHere } from "./streams-here.ts";

const NOW = 1_000_000;
const key = { user_id: "u", thread_id: "t" };

/** Watches a stream and counts the calls. */
function watched(name: string, of = key) {
  const seen = { calls: 0, isHere: false };
  seen.isHere = watchHere(of, name, () => {
    seen.calls += 1;
  });
  return seen;
}

describe("a stream of this isolate", () => {
  it("calls who waits for its end once, and not the one of another stream", () => {
    const [first, second] = [openHere(key, NOW), openHere(key, NOW)];
    const [one, other] = [watched(first.name), watched(second.name)];
    first.end();
    first.end();
    expect([one, other]).toEqual([
      { calls: 1, isHere: true },
      { calls: 0, isHere: true },
    ]);
    second.end();
    expect(other.calls).toBe(1);
  });

  it("calls at once if it is over", () => {
    const { name, end } = openHere(key, NOW);
    end();
    expect(watched(name)).toEqual({ calls: 1, isHere: true });
  });

  it("is over when its thread's object begins a new life, which other threads don't hear", () => {
    const other = { ...key, thread_id: "other" };
    const [lost, kept] = [openHere(key, NOW), openHere(other, NOW)];
    const [one, another] = [watched(lost.name), watched(kept.name, other)];
    endFormerStreams(key);
    expect([one.calls, another.calls]).toEqual([1, 0]);
    lost.end();
    expect(one.calls).toBe(1);
    const next = openHere(key, NOW);
    const waits = watched(next.name);
    expect(waits.calls).toBe(0);
    next.end();
    expect(waits.calls).toBe(1);
    kept.end();
  });
});

it("knows nothing of a stream that another isolate has named", () => {
  openHere(key, NOW).end();
  expect(watched("inst_01-1")).toEqual({ calls: 0, isHere: false });
});

describe("streams of a life that says nothing", () => {
  it("are over for who is short of room, half a minute after its last word", () => {
    const other = { ...key, thread_id: "other" };
    const [lost, kept] = [openHere(key, NOW), openHere(other, NOW)];
    const [one, another] = [watched(lost.name), watched(kept.name, other)];
    noteAlive(other, NOW + 20_000);
    expect(endSilentStreams(NOW + 29_000)).toBe(false);
    expect(endSilentStreams(NOW + 31_000)).toBe(true);
    expect([one.calls, another.calls]).toEqual([1, 0]);
    kept.end();
    expect(another.calls).toBe(1);
  });

  it("are looked for once a second, and not at all by a clock that was set back", () => {
    const { name, end } = openHere(key, NOW + 60_000);
    const seen = watched(name);
    expect(endSilentStreams(NOW + 40_000)).toBe(false);
    const { end: endOther } = openHere({ ...key, thread_id: "other" }, NOW);
    expect(endSilentStreams(NOW + 40_500)).toBe(false);
    expect(endSilentStreams(NOW + 41_000)).toBe(true);
    expect(seen.calls).toBe(0);
    end();
    endOther();
  });
});
