// What a thread with checks costs while nothing happens: a question that waits, a check that hangs, D1 that is away.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { awayThread } from "../../../test/fakes/asleep-thread.ts";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { taskTools } from "../../tools/tasks.ts";
import { editPlan } from "../run/plan-edit.ts";
import { callChecks } from "./again.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const nothing = { asked: 0, alarms: 0, rows: 0 };

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

/** A task of such a check, which the model completes. */
async function checkedThread(check: object, isAway: boolean) {
  const replies = [
    call({ id: "done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
    say("Done."),
  ];
  const tools = [...taskTools, makeTool("execute_command")];
  const asleep = awayThread({ isAway, replies, tools, interrupt_ms: 7 * DAY });
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { output: "12 passed\n" });
  place.deeds.set("sleep", { hangs: true });
  Object.assign(asleep.thread.sandbox, { checks: place });
  const operations = [{ op: "create", section_title: "S", task_contents: [{ content: "A", checks: [check] }] }];
  await editPlan(asleep.thread.life, { request_id: "one", version: null, operations: operations as never });
  return { ...asleep, place };
}

describe("a thread with checks", () => {
  it("costs nothing for the month in which a person does not answer", async () => {
    const { thread, sleep } = await checkedThread({ type: "person", question: "Is it good?" }, false);
    await thread.run("go", { invocation_id: "inv_a" });
    expect(thread.life.newestStarted?.run.interrupts).toMatchObject([{ reason: "check" }]);
    await sleep(MINUTE);
    expect(await sleep(30 * DAY)).toEqual(nothing);
  });

  it("asks and writes no more than another one while D1 is away, and then brings its receipts", async () => {
    const { thread, state, sleep } = await checkedThread({ type: "command", run: "npm test" }, true);
    await thread.run("go", { invocation_id: "inv_a" });
    await settle();
    const plain = awayThread();
    await plain.thread.run("hi");
    await settle();
    for (const ms of [10 * MINUTE, DAY, DAY]) {
      const [own, other] = [await sleep(ms), await plain.sleep(ms)];
      expect(own.asked).toBeLessThanOrEqual(other.asked + 2);
      expect(own.rows + own.alarms).toBeLessThanOrEqual(2 * own.asked);
    }
    state.isAway = false;
    await sleep(14 * 60 * MINUTE);
    expect(thread.batches.flatMap(({ receipts = [] }) => receipts)).toMatchObject([{ outcome: "passed" }]);
    expect(await sleep(30 * DAY)).toEqual(nothing);
  });

  it("writes an alarm each half minute and no row while a check hangs, until its limit ends it", async () => {
    const { thread, clock, place, sleep } = await checkedThread({ type: "command", run: "sleep" }, false);
    await sleep(MINUTE);
    const request = { check_run_id: "again", task_ids: null, answers: [], key_id: null };
    await callChecks(thread.life, { kind: "start", request });
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    const rows = () =>
      thread.life.database.sql.exec<{ rows: number }>("SELECT total_changes() AS rows").toArray()[0]?.rows ?? 0;
    const pass = async (halves: number, isAlarm: boolean) => {
      for (let half = 0; half < halves; half++) {
        clock.advance(MINUTE / 2);
        if (isAlarm) await thread.alarm();
        await settle();
      }
    };
    // The first one stores that D1 has the plan.
    await pass(1, true);
    const before = { rows: rows(), alarms: thread.alarms.length };
    await pass(7, true);
    expect(rows()).toBe(before.rows);
    expect(thread.alarms.length - before.alarms).toBe(7);
    await pass(6, false);
    await vi.waitFor(() => expect(thread.life.checked?.run.status).toBe("completed"), 20_000);
    expect(place.running).toEqual([]);
  });
});
