// A thread whose D1 may be away and whose object sleeps between its alarms, with what it asks and writes meanwhile.
import { say } from "./replies.ts";
import { FakeClock } from "./stream.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

export interface Counts {
  asked: number;
  alarms: number;
  rows: number;
}

/** A thread whose D1 is away, with what it has done so far. */
export function awayThread({ isAway = true, ...options }: FakeThreadOptions & { isAway?: boolean } = {}) {
  const state = { isAway, asked: 0 };
  const clock = new FakeClock();
  const thread = new FakeThread({
    defaultReply: say("hello"),
    clock,
    ...options,
    syncThread: async () => {
      state.asked += 1;
      if (state.isAway) throw new Error("D1 is away");
    },
  });
  const rowsOf = () =>
    thread.life.database.sql.exec<{ rows: number }>("SELECT total_changes() AS rows").toArray()[0]?.rows ?? 0;
  const counts = (): Counts => ({ asked: state.asked, alarms: thread.alarms.length, rows: rowsOf() });
  let fired = 0;
  /** Fires each alarm in its time, in a life of its own: the object sleeps after ten seconds. */
  const sleep = async (ms: number): Promise<Counts> => {
    const before = counts();
    const until = clock.now() + ms;
    while (thread.alarms.length > fired) {
      const at = thread.alarms.at(-1) ?? 0;
      if (at > until) break;
      fired = thread.alarms.length;
      thread.crash();
      clock.advance(Math.max(0, at - clock.now()));
      await thread.alarm();
    }
    clock.advance(until - clock.now());
    const after = counts();
    return { asked: after.asked - before.asked, alarms: after.alarms - before.alarms, rows: after.rows - before.rows };
  };
  return { thread, clock, state, sleep };
}
