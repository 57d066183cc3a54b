// D1 fails for ten minutes while a thread works: nothing is lost, no run waits for it, and D1 gets few requests.
import { expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { MessageRow } from "../../protocol/message.ts";
import type { Run } from "../../protocol/run.ts";
import { onAlarm } from "../alarm.ts";
import { describeLife } from "../diagnostics.ts";
import { schedule } from "../scheduler.ts";
import { readMessages } from "./messages.ts";

const MINUTE = 60_000;

it("runs continue while D1 fails for ten minutes and lives end, and D1 then has everything once", async () => {
  const clock = new FakeClock();
  let isAway = true;
  let asked = 0;
  const thread = new FakeThread({
    defaultReply: say("hello"),
    clock,
    syncThread: async () => {
      asked += 1;
      if (isAway) throw new Error("D1 is away");
    },
  });
  const began = clock.now();
  const step = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
    const due = thread.alarms.at(-1);
    if (due === undefined || due > clock.now() || thread.life.alarmAt === null) return;
    await onAlarm(thread.life);
    await settle();
  };
  for (let minute = 0; minute < 10; minute++) {
    const ran = thread.run(`minute ${minute}`);
    await settle();
    await schedule(thread.life);
    for (let second = 0; second < 60; second++) await step(1_000);
    // Readers got its end, although D1 has none of its rows.
    expect((await ran).events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "success" } });
    if (minute === 4) {
      thread.crash();
      await schedule(thread.life);
      await step(0);
    }
  }
  expect(clock.now() - began).toBeGreaterThanOrEqual(10 * MINUTE);
  expect(thread.batches).toEqual([]);
  expect(describeLife(thread.life).d1).toMatchObject({ pending: true, messages: 20, synced_through: 0 });
  // Each run calls D1 at its end. The rest is backoff.
  expect(asked).toBeLessThan(60);

  isAway = false;
  // Whoever reads the thread need not wait for the alarm, which comes within as long as D1 was away.
  expect(await thread.life.outbox.syncWithin(3_000)).toBe(true);
  expect(describeLife(thread.life).d1).toMatchObject({ pending: false, failures: 0, failing_since: null });
  const messages = new Map<number, MessageRow>();
  const runs = new Map<string, Run>();
  for (const batch of thread.batches) {
    for (const { version: _, ...row } of batch.messages) messages.set(row.seq, row);
    for (const run of batch.runs) runs.set(run.invocation_id, run);
  }
  const stored = readMessages(thread.life.database.sql, thread.life.thread, 0, 100);
  expect([...messages.values()]).toEqual(stored.map(({ version: _, ...row }) => row));
  expect([...runs.values()].map(({ status }) => status)).toEqual(Array(10).fill("completed"));
});
