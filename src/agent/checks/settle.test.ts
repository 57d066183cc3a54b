// What a run leaves of checks that it did not, or could not, look at again.
import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck, ScriptedChecks } from "../../../test/fakes/check-runner.ts";
import { callsTools, completed, makeTool, ScriptedRun, says, type Turn } from "../../../test/fakes/scripted-run.ts";
import type { Check } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { taskTools } from "../../tools/tasks.ts";
import type { LoopInput } from "../ports.ts";
import { addRepairs } from "./settle.ts";

const result = { receipt_id: "rcpt_0", outcome: "passed", reason: "", at: "", tree: "tree_1" } as const;
const passed = commandCheck("a", { author: "person", result });
const complete = (id: string) => ({
  name: "update_tasks",
  arguments: JSON.stringify({ task_ids: [id], status: "completed" }),
});

function newRun(...turns: Turn[]) {
  const run = new ScriptedRun(turns, [...taskTools, makeTool("work")]);
  const checks = new ScriptedChecks();
  run.checks = checks;
  return { run, checks };
}

/** One task that has closed with these checks. */
function closedPlan(...checks: Check[]): Plan {
  const plan = checkedPlan(checks);
  return { ...plan, tasks: plan.tasks.map((task) => ({ ...task, status: "completed", verification: "verified" })) };
}

const statuses = ({ tasks }: Plan) => tasks.map(({ status, verification }) => [status, verification]);

describe("a run whose files can't be read at its end", () => {
  it("runs the checks that depend on them, and takes no former word for it", async () => {
    const { run, checks } = newRun(callsTools("work"), says("Done."), says("…"), says("…"), says("…"), says("…"));
    checks.readTree = async () => null;
    checks.failures.a = "The folder is gone.";
    await run.run({ plan: closedPlan(passed), max_steps: 4 });
    expect(statuses(run.plan)[0]).toEqual(["completed", "failed"]);
  });
});

describe("a run that ends with a question to people", () => {
  it("has seen what it looked at before, and leaves nothing of it stale", async () => {
    const { run } = newRun(callsTools(complete("task_1")), callsTools("work", complete("task_2")), says("Done."));
    const asks: Check = { id: "chk_ask", author: "person", spec: { type: "person", question: "Good?" } };
    const outcome = await run.run({ plan: checkedPlan([commandCheck("a")], [asks]) });
    expect(outcome.status).toBe("interrupted");
    expect(statuses(run.plan)).toEqual([
      ["completed", "self_checked"],
      ["completed", "not_run"],
    ]);
  });
});

describe("a question to people", () => {
  it("is about the files as they are, and not as an earlier look of the run has seen them", async () => {
    const remove = { name: "delete_tasks", arguments: JSON.stringify({ task_ids: ["task_1"] }) };
    const more = callsTools("work", remove);
    const { run, checks } = newRun(callsTools("work"), says("Done."), more, says("That, too."));
    const asks: Check = { id: "chk_ask", author: "person", spec: { type: "person", question: "Good?" } };
    const plan = checkedPlan([passed], [asks]);
    const tasks = plan.tasks.map((task) => ({ ...task, status: "completed" as const }));
    checks.during = () => {
      run.steered.push([{ role: "user", content: "And paint it." }]);
      checks.tree = "tree_2";
    };
    const outcome = await run.run({ plan: { ...plan, tasks } });
    expect(checks.ran).toEqual(["a"]);
    expect(outcome).toMatchObject({
      interrupts: [{ response_schema: { properties: { tree: { const: "tree_2" } } } }],
    });
  });
});

describe("a person's yes", () => {
  const yes: Check = { id: "chk_yes", author: "person", spec: { type: "person", question: "Good?" }, result };

  it("is stale where the run is cut, and holds again without a question if the files are as they were", async () => {
    const cut = newRun(callsTools("work"));
    await cut.run.run({ plan: closedPlan(yes), max_steps: 1 });
    expect(statuses(cut.run.plan)).toEqual([["completed", "stale"]]);
    const same = newRun(says("Done."));
    expect(await same.run.run({ plan: cut.run.plan })).toEqual(completed("Done."));
    expect(statuses(same.run.plan)).toEqual([["completed", "verified"]]);
    const other = newRun(says("Done."));
    other.checks.tree = "tree_2";
    expect(await other.run.run({ plan: cut.run.plan })).toMatchObject({ status: "interrupted" });
    expect(statuses(other.run.plan)).toEqual([["completed", "stale"]]);
  });

  it("about something else than files stays", async () => {
    const { run } = newRun(callsTools("work"));
    const plan = closedPlan({ ...yes, result: { ...result, tree: null } });
    await run.run({ plan, max_steps: 1 });
    expect(run.plan).toBe(plan);
  });
});

describe("a life that continues before the run's first step", () => {
  const call = { id: "call_1", type: "function" as const, function: { name: "work", arguments: "{}" } };
  const asked: LoopInput["history"] = [
    { role: "user", content: "do it" },
    { role: "assistant", content: null, tool_calls: [call] },
  ];
  const grants: LoopInput["grants"] = new Map([["call_1", { arguments: null, reason: "approval" }]]);

  it("looks at what a former one has done with a person's approval", async () => {
    const done = newRun(says("Done."));
    const history = [...asked, { role: "tool" as const, tool_call_id: "call_1", content: "work done" }];
    await done.run.run({ plan: closedPlan(passed), history, grants });
    expect(done.checks.ran).toEqual(["a"]);
    const begun = newRun(says("Done."));
    await begun.run.run({ plan: closedPlan(passed), history: asked, grants, started_calls: ["call_1"] });
    expect(begun.checks.ran).toEqual(["a"]);
  });
});

it("a run that ends with a bug of the server leaves what its last calls may have changed stale", async () => {
  const { run } = newRun(callsTools("work"));
  expect(await run.run({ plan: closedPlan(passed) })).toMatchObject({ error: { code: "internal" } });
  expect(statuses(run.plan)).toEqual([["completed", "stale"]]);
});

it("the repair of a task that lost a check to the model verifies no more than the task", async () => {
  const { checks } = newRun();
  checks.failures.a = "No.";
  const plan = closedPlan(passed);
  const weak = { ...plan, tasks: plan.tasks.map((task) => ({ ...task, weakened: true })) };
  const [, repair] = addRepairs(weak, await checks.run([{ task_id: "task_1", check: passed }])).tasks;
  expect(repair).toMatchObject({ content: "Repair: Task 1", weakened: true });
  const [, usual] = addRepairs(plan, await checks.run([{ task_id: "task_1", check: passed }])).tasks;
  expect(usual).not.toHaveProperty("weakened");
});
