import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck, ScriptedChecks } from "../../../test/fakes/check-runner.ts";
import { callsTools, completed, makeTool, ScriptedRun, says, type Turn } from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import { taskTools } from "../../tools/tasks.ts";
import type { LoopFact } from "../events.ts";
import type { LoopInput } from "../ports.ts";

const work = makeTool("work");
const finish = (id: string) => ({
  name: "update_tasks",
  arguments: JSON.stringify({ task_ids: [id], status: "completed" }),
});
const stops = agentConfig.parse({ on_failed_task: "stop" });
const attempt = () => callsTools("work", finish("task_1"), "work");

function newRun(turns: Turn[]) {
  const run = new ScriptedRun(turns, [...taskTools, work]);
  const checks = new ScriptedChecks();
  checks.failures.a = "`a` exited with 1, not 0.";
  run.checks = checks;
  return run;
}

/** The history after the facts, as the next life reads it. */
function historyOf(facts: readonly LoopFact[]): LoopInput["history"] {
  const messages = facts.flatMap((fact) => ("message" in fact ? [fact.message] : []));
  return [{ role: "user", content: "do it" }, ...messages];
}

describe("an agent that stops at a failed task", () => {
  it("ends the run with the third equal failure, says which task and why, and makes no further step", async () => {
    const run = newRun([attempt(), attempt(), attempt()]);
    const outcome = await run.run({ agent: stops, plan: checkedPlan([commandCheck("a")], []) });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "task_failed" } });
    expect(outcome.status === "failed" && outcome.error.message).toContain('"Task 1": `a` exited with 1, not 0.');
    expect(run.requests).toHaveLength(3);
    expect(run.plan.tasks).toMatchObject([{ status: "cancelled", verification: "failed" }, { status: "pending" }]);
    expect(run.results.get("call_3_2")?.content).toMatch(/^not executed/);
  });

  it("stops wherever its life ends after that", async () => {
    const run = newRun([attempt(), attempt(), attempt()]);
    const plan = checkedPlan([commandCheck("a")], []);
    const outcome = await run.run({ agent: stops, plan });
    const facts = run.facts;
    const gaveUp = facts.findIndex(
      (fact) => fact.type === "tool_finished" && fact.plan?.tasks[0]?.status === "cancelled",
    );
    for (let end = gaveUp + 1; end <= facts.length; end++) {
      const later = newRun([]);
      const seen = facts.slice(0, end);
      const input = { agent: stops, history: historyOf(seen), steps: 3, plan: run.plan };
      expect([end, await later.run(input)]).toEqual([end, outcome]);
      expect(later.facts.filter(({ type }) => type === "tool_started")).toEqual([]);
    }
  });

  it("continues where the agent says so, and in the run after that", async () => {
    const going = newRun([attempt(), attempt(), attempt(), callsTools(finish("task_2")), says("Half of it.")]);
    const plan = checkedPlan([commandCheck("a")], []);
    expect(await going.run({ plan })).toEqual(completed("Half of it."));
    const run = newRun([attempt(), attempt(), attempt()]);
    await run.run({ agent: stops, plan: checkedPlan([commandCheck("a")], []) });
    const next = newRun([callsTools(finish("task_2")), says("The rest.")]);
    const history = [...historyOf(run.facts), { role: "user" as const, content: "go on" }];
    expect(await next.run({ agent: stops, history, plan: run.plan })).toEqual(completed("The rest."));
  });
});

describe("a life that continues behind a refused completion", () => {
  it("does not make the calls behind it", async () => {
    const run = newRun([callsTools(finish("task_1"), "work"), says("I stop.")]);
    await run.run({ plan: checkedPlan([commandCheck("a")]), max_steps: 1 });
    const refusal = run.facts.findIndex(({ type }) => type === "tool_finished");
    const later = newRun([says("I stop.")]);
    const history = historyOf(run.facts.slice(0, refusal + 1));
    await later.run({ history, steps: 1, plan: run.plan, max_steps: 1 });
    expect(later.results.get("call_1_1")?.content).toMatch(/^not executed: a check/);
  });
});
