// A run whose caps end it during the checks of a task: what ran is ended, and nothing closes on half of a look.
import { expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readPlanDetails } from "./plan-details.ts";

/** Plans one task whose check runs a command, and completes it. */
const script: Reply = (request, onDelta, signal) => {
  const made = request.messages.filter((message) => message.role === "assistant" && message.tool_calls).length;
  const checks = [{ type: "command", run: "npm test" }];
  const replies = [
    call({
      id: "c_plan",
      name: "create_tasks",
      input: { sections: [{ title: "S", tasks: [{ content: "A", checks }] }] },
    }),
    call({ id: "c_done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
  ];
  return (replies[made] ?? say("Done."))(request, onDelta, signal);
};

it("ends the command with the run's time, and leaves the task open without a receipt", async () => {
  const clock = new FakeClock();
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { hangs: true });
  const thread = new FakeThread({
    clock,
    defaultReply: script,
    tools: [...taskTools, makeTool("execute_command")],
    agent: {},
  });
  Object.assign(thread.sandbox, { checks: place });
  await thread.accept("go", { invocation_id: "inv_a", caps: [{ scope: "run", max_minutes: 2 }] });
  await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
  await passTime(clock, 119_000);
  expect(place.running).toHaveLength(1);
  await passTime(clock, 10_000);
  expect(findRun(thread.life, "inv_a")?.run).toMatchObject({
    status: "failed",
    error: { code: "budget", cap: { name: "max_minutes", limit: 2 } },
  });
  expect(place.running).toEqual([]);
  const { plan, receipts } = readPlanDetails(thread.life, "receipts");
  expect(receipts).toEqual([]);
  expect(plan.tasks).toMatchObject([{ status: "pending", verification: "not_run" }]);
});
