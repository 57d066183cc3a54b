import { beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../test/fakes/stream.ts";
import { SharedTimer } from "./shared-timer.ts";

let clock: FakeClock;
let set: number;
let timer: SharedTimer;
let called: string[];
let begun: number;

const wait = (name: string, ms: number) => timer.setTimer(() => called.push(`${name} at ${clock.now() - begun}`), ms);

beforeEach(() => {
  clock = new FakeClock();
  begun = clock.now();
  set = 0;
  const counted = {
    now: () => clock.now(),
    setTimer: (callback: () => void, ms: number) => {
      set += 1;
      return clock.setTimer(callback, ms);
    },
  };
  timer = new SharedTimer(counted);
  called = [];
});

describe("a shared timer", () => {
  it("calls each in its time, whatever the order in which they were set", () => {
    for (const ms of [300, 100, 40_000, 100, 200]) wait(`${ms}`, ms);
    clock.advance(50_000);
    expect(called).toEqual(["100 at 100", "100 at 100", "200 at 200", "300 at 300", "40000 at 40000"]);
    expect(clock.timers).toBe(0);
  });

  it("does not call what was cancelled, also by what is called before it", () => {
    const cancelLater = wait("later", 2_000);
    wait("now", 1_000);
    timer.setTimer(cancelLater, 1_000);
    clock.advance(10_000);
    expect(called).toEqual(["now at 1000"]);
  });

  it("is set once for what is set and cancelled while something waits, and is gone with the last", () => {
    const cancelFirst = wait("first", 1_000);
    for (let batch = 0; batch < 10; batch++) {
      const both = [wait("second", 2_000), wait("third", 40_000)];
      clock.advance(10);
      for (const cancel of both) cancel();
    }
    expect([set, clock.timers]).toEqual([1, 1]);
    cancelFirst();
    expect(clock.timers).toBe(0);
    wait("again", 1_000);
    clock.advance(60_000);
    expect([set, called, clock.timers]).toEqual([2, ["again at 1100"], 0]);
  });

  it("stays one timer when what it was set for is cancelled", () => {
    const cancel = wait("first", 1_000);
    wait("long", 40_000);
    cancel();
    clock.advance(40_000);
    expect([set, called]).toEqual([2, ["long at 40000"]]);
  });

  it("serves what a callback sets", () => {
    timer.setTimer(() => wait("inner", 500), 1_000);
    wait("outer", 1_200);
    clock.advance(5_000);
    expect(called).toEqual(["outer at 1200", "inner at 1500"]);
  });

  it("calls in time although the clock is set back meanwhile", () => {
    let back = 0;
    const now = () => clock.now() - back;
    timer = new SharedTimer({ now, setTimer: (callback, ms) => clock.setTimer(callback, ms) });
    wait("a", 1_000);
    wait("b", 3_000);
    back = 3_600_000;
    clock.advance(3_000);
    expect(called).toEqual(["a at 1000", "b at 3000"]);
  });

  it("keeps a limit as short as it is after the clock was set back, whatever is set then", () => {
    let back = 0;
    timer = new SharedTimer({
      now: () => clock.now() - back,
      setTimer: (callback, ms) => clock.setTimer(callback, ms),
    });
    wait("limit", 2_000);
    back = 3_600_000;
    wait("sooner", 1_000);
    clock.advance(10_000);
    expect(called.map((name) => name.split(" ")[0])).toEqual(["sooner", "limit"]);
  });
});
