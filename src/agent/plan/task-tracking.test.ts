// What a person's edit does to a run of the loop, and how the loop uses evidence.
import { describe, expect, it } from "vitest";
import {
  askTool,
  callsTools,
  completeTool,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  says,
} from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { emptyLedger } from "./ledger.ts";

const work = makeTool("work");
const add: PlanOperation = { op: "create", section_title: "Section", task_contents: ["More"] };
const cancel = (id: string): PlanOperation => ({ op: "update", task_ids: [id], status: "cancelled" });

describe("a person's edit", () => {
  it("is sent with the next step, once, at the end of the request", async () => {
    const run = new ScriptedRun([callsTools("work"), callsTools("work"), callsTools("complete")], [work, completeTool]);
    run.onFact = (fact) => {
      if (fact.type === "tool_started" && run.requests.length === 1) run.edit([add]);
    };
    await run.run({ plan: makePlan("pending") });
    expect(run.lastWords(0)).not.toContain("The person changed");
    expect(run.lastWords(1)).toMatch(/The person changed the plan since your last step[\s\S]*added task_\w+ "More"/);
    expect(run.lastWords(2)).not.toContain("The person changed");
    const [, reply] = run.facts.filter((fact) => fact.type === "assistant_message");
    expect(reply?.seen_edits).toBe(run.plan.version);
  });

  it("is sent with the next model call if it happens during one", async () => {
    const edits = { ...callsTools("work"), before: () => run.edit([add]) };
    const run: ScriptedRun = new ScriptedRun([edits, callsTools("complete")], [work, completeTool]);
    await run.run({ plan: makePlan("in_progress") });
    expect(run.lastWords(0)).not.toContain("The person changed");
    expect(run.lastWords(1)).toContain("The person changed");
  });

  it("is sent again if a cancel cut off the model's reply", async () => {
    const run = new ScriptedRun([{ text: "half", hangs: true, before: () => setImmediate(() => run.cancel.abort()) }]);
    run.edit([add]);
    expect(await run.run()).toEqual({ status: "cancelled" });
    const [partial] = run.facts;
    expect(partial).toMatchObject({ type: "assistant_message", partial: true });
    expect(partial).not.toHaveProperty("seen_edits");
  });

  it("keeps a run going that would end without having seen the new work", async () => {
    const run: ScriptedRun = new ScriptedRun(
      [{ ...callsTools("complete"), before: () => run.edit([add]) }, callsTools("complete")],
      [completeTool],
    );
    const outcome = await run.run({ plan: makePlan("completed") });
    expect(run.requests).toHaveLength(2);
    expect(run.lastWords(1)).toContain("added task_");
    expect(outcome).toMatchObject({ status: "completed", unfinished_tasks: 1 });
  });

  it("does not turn the end of a run's last step into a failure", async () => {
    const edits = { ...callsTools("complete"), before: () => run.edit([add]) };
    const run: ScriptedRun = new ScriptedRun([edits], [completeTool]);
    expect(await run.run({ plan: makePlan("completed"), max_steps: 1 })).toMatchObject({ status: "completed" });
  });

  it("brings the closing reminder and the run's end if it ends the last task", async () => {
    const edits = { ...callsTools("work"), before: () => run.edit([cancel("task_1")]) };
    const run: ScriptedRun = new ScriptedRun([edits, says("Stopped.")], [work]);
    expect(await run.run({ plan: makePlan("in_progress") })).toMatchObject({ status: "completed", text: "Stopped." });
    expect(run.lastWords(1)).toMatch(/that you were working on, task_1[\s\S]*was cancelled by the person/);
    expect(run.lastWords(1)).toContain("All tasks have ended");
  });

  it("is sent if it deletes the whole plan", async () => {
    const edits = { ...callsTools("work"), before: () => run.edit([{ op: "clear" }]) };
    const run: ScriptedRun = new ScriptedRun([edits, says("Well.")], [work]);
    await run.run({ plan: makePlan("in_progress") });
    expect(run.lastWords(1)).toMatch(/deleted task_1[\s\S]*The task list is empty now/);
  });

  it("counts as progress: the reminders of open tasks start again", async () => {
    const talk = Array.from({ length: 4 }, () => says("I stop."));
    const edits = {
      ...says("I stop."),
      before: () => run.edit([{ op: "update", task_ids: ["task_1"], content: "x" }]),
    };
    const run: ScriptedRun = new ScriptedRun([says("I stop."), says("I stop."), edits, ...talk]);
    await run.run({ plan: makePlan("pending") });
    expect(run.requests).toHaveLength(7);
  });

  it("starts no task that the model has not seen, between two calls of a message", async () => {
    const run = new ScriptedRun([callsTools("work", "work"), says("a"), says("b"), says("c"), says("d")], [work]);
    run.onFact = (fact) => {
      if (fact.type === "tool_finished" && run.plan.tasks[0]?.status === "in_progress") run.edit([cancel("task_1")]);
    };
    await run.run({ plan: makePlan("pending", "pending") });
    expect(run.plan.tasks.map(({ status }) => status)).toEqual(["cancelled", "pending"]);
    const begun = run.facts.flatMap((fact) => (fact.type === "tool_started" ? [fact.task_id] : []));
    expect(begun).toEqual(["task_1", "task_1"]);
  });

  it("is kept if it happens during a plan tool's call: the call is repeated on the new plan", async () => {
    let calls = 0;
    const slow = makeTool("update_tasks", {
      kind: "plan",
      execute: async (input, context) => {
        const result = await planTool.execute(input, context);
        calls += 1;
        if (calls === 1) run.edit([add]);
        return result;
      },
    });
    const run: ScriptedRun = new ScriptedRun(
      [callsTools("update_tasks"), callsTools("complete")],
      [slow, completeTool],
    );
    await run.run({ plan: makePlan("in_progress") });
    expect(calls).toBe(2);
    expect(run.plan.tasks.map(({ content, status }) => `${content} ${status}`)).toEqual([
      "Task 1 completed",
      "More pending",
    ]);
    expect(run.plan.version).toBe(3);
  });
});

describe("what is stored of the work", () => {
  it("names the task of a step and of each call for work, and of no other call", async () => {
    const run = new ScriptedRun([callsTools("work", "update_tasks", "ask")], [work, planTool, askTool]);
    await run.run({ plan: makePlan("pending", "pending") });
    expect(run.facts.filter((fact) => fact.type !== "tool_finished")).toMatchObject([
      { type: "assistant_message", task_id: "task_1" },
      { type: "tool_started", name: "work", task_id: "task_1", plan: { version: 2 } },
      { type: "tool_started", name: "update_tasks" },
      { type: "tool_started", name: "ask" },
    ]);
    expect(run.facts.filter((fact) => "task_id" in fact)).toHaveLength(2);
  });

  it("names no task if there is no plan", async () => {
    const run = new ScriptedRun([callsTools("work"), says("ok")], [work]);
    await run.run();
    expect(run.facts.some((fact) => "task_id" in fact)).toBe(false);
  });
});

describe("evidence", () => {
  const challenging = makeTool("update_tasks", {
    kind: "plan",
    execute: async (input, context) => {
      const result = await planTool.execute(input, context);
      const challenge = result.plan ? (context.challenge?.(result.plan) ?? null) : null;
      return challenge === null
        ? result
        : { content: challenge.message, is_error: true, details: { challenged: challenge.task_ids } };
    },
  });
  const agent = agentConfig.parse({ evidence: "challenge" });
  const done = { name: "update_tasks", arguments: '{"task_ids":["task_1"],"status":"completed"}' };

  it("is asked for once if it is missing, and the guard lets the repeated call pass", async () => {
    const run = new ScriptedRun(
      [callsTools(done), callsTools(done), callsTools("complete")],
      [challenging, completeTool],
    );
    await run.run({ agent, plan: makePlan("in_progress") });
    const [first, second] = [...run.results.values()];
    expect(first).toMatchObject({
      is_error: true,
      content: expect.stringMatching(/task_1[\s\S]*this same call again/),
    });
    expect(second).toMatchObject({ is_error: false });
    expect(run.plan.tasks[0]?.status).toBe("completed");
  });

  it("is not asked for if it exists", async () => {
    const run = new ScriptedRun([callsTools(done), callsTools("complete")], [challenging, completeTool]);
    run.ledger = { task_1: { ...emptyLedger(), calls: 1, proven: true } };
    await run.run({ agent, plan: makePlan("in_progress") });
    expect([...run.results.values()][0]?.is_error).toBe(false);
  });

  it("is only recorded by default", async () => {
    const run = new ScriptedRun([callsTools(done), callsTools("complete")], [challenging, completeTool]);
    await run.run({ plan: makePlan("in_progress") });
    expect([...run.results.values()][0]?.is_error).toBe(false);
  });

  it("is cited in the closing reminder, for each task", async () => {
    const run = new ScriptedRun([callsTools("complete")], [completeTool]);
    run.ledger = { task_1: { ...emptyLedger(), calls: 2, proven: true, failed_calls: 1 } };
    await run.run({ plan: makePlan("completed"), steps: 1, is_former_plan: false });
    expect(run.lastWords(0)).toMatch(/All tasks have ended[\s\S]*- "Task 1" \(completed\): 2 calls, 1 failed/);
  });

  it("is not cited after a person adds a request to a plan that had ended", async () => {
    const run = new ScriptedRun([callsTools("update_tasks"), says("Now a logo."), says("There.")], [planTool]);
    run.steered = [[], [], [{ role: "user", content: "and a logo" }]];
    await run.run({ plan: makePlan("in_progress") });
    expect(run.lastWords(1)).toContain("All tasks have ended");
    expect(run.lastWords(2)).toContain("add its tasks with create_tasks");
  });

  it("is not cited again for a plan that an earlier run has ended", async () => {
    const run = new ScriptedRun([says("You are welcome.")]);
    run.ledger = { task_1: { ...emptyLedger(), calls: 2, proven: true } };
    await run.run({ plan: makePlan("completed") });
    expect(run.lastWords(0)).toContain("had ended before the person's newest message");
    expect(run.lastWords(0)).not.toContain("calls");
  });
});
