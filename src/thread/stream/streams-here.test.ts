import { describe, expect, it } from "vitest";
import { endFormerStreams, openHere, watchHere } from "./streams-here.ts";

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
    const [first, second] = [openHere(key), openHere(key)];
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
    const { name, end } = openHere(key);
    end();
    expect(watched(name)).toEqual({ calls: 1, isHere: true });
  });

  it("is over when its thread's object begins a new life, which other threads don't hear", () => {
    const other = { ...key, thread_id: "other" };
    const [lost, kept] = [openHere(key), openHere(other)];
    const [one, another] = [watched(lost.name), watched(kept.name, other)];
    endFormerStreams(key);
    expect([one.calls, another.calls]).toEqual([1, 0]);
    lost.end();
    expect(one.calls).toBe(1);
    const next = openHere(key);
    const waits = watched(next.name);
    expect(waits.calls).toBe(0);
    next.end();
    expect(waits.calls).toBe(1);
    kept.end();
  });
});

it("knows nothing of a stream that another isolate has named", () => {
  openHere(key).end();
  expect(watched("inst_01-1")).toEqual({ calls: 0, isHere: false });
});
