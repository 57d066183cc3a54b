// What a thread calls verified after runs that did not look, and after turns that are asked again.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { again } from "../../../test/fakes/asked-again.ts";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { clock } from "../ports.ts";
import { readReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { ensureRunning } from "../run/run.ts";

beforeEach(() => {
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => {});
});

const finish = call({ id: "c_done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } });
const plan = call({ id: "c_plan", name: "create_tasks", input: { section_title: "S", task_contents: ["B"] } });

/** A task with a person's check, and no run yet. The tool `break_it` makes the check fail. */
async function newThread(replies: Reply[], defaultReply: Reply = say("Done."), more: FakeThreadOptions = {}) {
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { output: "12 passed\n" });
  const breaks = makeTool("break_it", {
    execute: async () => {
      place.deeds.set("npm test", { exit_code: 1, output: "1 failed\n" });
      return { content: "broken", is_error: false };
    },
  });
  const thread = new FakeThread({
    ...{ replies, defaultReply },
    tools: [...taskTools, breaks, makeTool("work", { recovery: "repeat" })],
    ...more,
  });
  Object.assign(thread.sandbox, { checks: place });
  const checks = [{ type: "command" as const, run: "npm test" }];
  const operations = [{ op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks }] }];
  await editPlan(thread.life, { request_id: "one", version: null, operations });
  return { thread, place };
}

/** The same in each life: a reply for each message of the model. */
function script(...replies: [Reply, ...Reply[]]): Reply {
  return (request, onDelta, signal) => {
    const said = request.messages.filter(({ role }) => role === "assistant").length;
    return (replies[said] ?? say("Done."))(request, onDelta, signal);
  };
}

const breakIt = call({ id: "c_break", name: "break_it", input: {} });
const verification = (thread: FakeThread) => thread.life.state.plan.tasks[0]?.verification;

it("a run that ends because each of its lives does leaves what its calls may have changed stale", async () => {
  const dies: Reply = () => {
    thread.crash();
    ensureRunning(thread.life);
    return new Promise(() => {});
  };
  const { thread } = await newThread([finish, breakIt], dies);
  await thread.accept("go", { invocation_id: "inv_a" });
  await vi.waitFor(() => expect(findRun(thread.life, "inv_a")?.run.error?.code).toBe("crash_loop"), 20_000);
  expect(verification(thread)).toBe("stale");
  expect(findRun(thread.life, "inv_a")?.run.checked_tasks).toEqual({ stale: 1 });
});

it("a life that ends behind the last checks of its run is followed by one that looks at nothing again", async () => {
  let [transactions, kill] = [0, 0];
  const play = async () => {
    transactions = 0;
    const dies = () => {
      transactions++;
      return transactions === kill;
    };
    const works = call({ id: "c_work", name: "work", input: {} });
    // Each look at the clock is a later one.
    let looks = 0;
    const ticking = { ...clock, now: () => clock.now() + 5 * looks++ };
    const { thread, place } = await newThread([], script(finish, works, say("Done.")), { dies, clock: ticking });
    await thread.accept("go", { invocation_id: "inv_a" }).catch(() => {
      thread.crash();
      return thread.accept("go", { invocation_id: "inv_a" });
    });
    await vi.waitFor(
      () => {
        if (!thread.isAlive) {
          thread.crash();
          ensureRunning(thread.life);
        }
        expect(findRun(thread.life, "inv_a")?.run.status).toBe("completed");
        expect([thread.isAlive, thread.life.active]).toEqual([true, null]);
      },
      { timeout: 20_000, interval: 1 },
    );
    return { receipts: readReceipts(thread.life.database.sql).length, started: place.started.length };
  };
  expect(await play()).toEqual({ receipts: 2, started: 2 });
  const last = transactions;
  for (kill = 3; kill <= last; kill++) {
    const { receipts, started } = await play();
    expect([kill, receipts]).toEqual([kill, started]);
  }
});

describe("a turn that is asked again", () => {
  const messages = [{ message_id: "msg_b", content: "go on" }];

  it("takes back what the plan said of its work, and not the work: a check is run again", async () => {
    const { thread, place } = await newThread([finish, say("Done.")]);
    await thread.run("go", { invocation_id: "inv_a" });
    expect(verification(thread)).toBe("verified");
    thread.replies.push(breakIt);
    await thread.run("", { invocation_id: "inv_b", messages });
    expect(verification(thread)).toBe("failed");
    const before = place.started.length;
    await thread.run("", again("msg_b", { invocation_id: "inv_c" }));
    expect(verification(thread)).toBe("failed");
    expect(place.started.length).toBe(before + 1);
  });

  it("costs no look if no check has another result since", async () => {
    const { thread, place } = await newThread([finish, say("Done.")]);
    await thread.run("go", { invocation_id: "inv_a" });
    const before = place.calls.length;
    thread.replies.push(plan);
    await thread.run("", { invocation_id: "inv_b", messages });
    await thread.run("", again("msg_b", { invocation_id: "inv_c" }));
    expect(verification(thread)).toBe("verified");
    expect(place.calls.length).toBe(before);
  });
});
