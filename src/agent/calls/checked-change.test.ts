import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck, type ScriptedChecks } from "../../../test/fakes/check-runner.ts";
import { complete, newRun, statuses } from "../../../test/fakes/checked-run.ts";
import { callsTools, completed, makeTool, type ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { LoopFact } from "../events.ts";

const ends = (facts: LoopFact[]) => facts.filter((fact) => fact.type === "tool_finished");

describe("a call that completes a task with checks", () => {
  it("closes it in the fact that holds the receipts, after all have passed", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), says("Done.")]);
    expect(await run.run({ plan: checkedPlan([commandCheck("a"), commandCheck("b")]) })).toEqual(completed("Done."));
    expect(checks.ran).toEqual(["a", "b"]);
    const [end] = ends(run.facts);
    expect(end).toMatchObject({ is_error: false, receipts: [{ check_id: "chk_a" }, { check_id: "chk_b" }] });
    expect(end?.plan?.tasks[0]).toMatchObject({
      status: "completed",
      verification: "self_checked",
      checks: [{ result: { outcome: "passed", tree: "tree_1" } }, { result: { outcome: "passed" } }],
    });
    expect(end?.message.content).toContain("2 of 2 passed, self_checked");
  });

  it("runs a check that the call itself adds, once, and closes on its receipt", async () => {
    const input = { task_ids: ["task_1"], status: "completed", checks: [{ type: "file", path: "made" }] };
    const { run, checks } = newRun([
      callsTools({ name: "update_tasks", arguments: JSON.stringify(input) }),
      says("Done."),
    ]);
    await run.run({ plan: checkedPlan([]) });
    expect(checks.ran).toEqual(["made"]);
    expect(statuses(run.plan)).toEqual([["completed", "self_checked"]]);
  });

  it("says that a test asserts nothing which the model wrote and the check runs", async () => {
    const write = { name: "create_file", arguments: JSON.stringify({ path: "a.test.js", content: "console.log(1)" }) };
    const { run } = newRun([callsTools(write), callsTools(complete("task_1")), says("Done.")]);
    await run.run({ plan: checkedPlan([commandCheck("npm test")]) });
    const { empty_checks } = JSON.parse(ends(run.facts).at(-1)?.message.content ?? "{}");
    expect(empty_checks).toEqual([expect.stringContaining('"a.test.js": you wrote this test and it asserts nothing')]);
  });

  it("is verified where a person and the project wrote all checks", async () => {
    const { run } = newRun([callsTools(complete("task_1")), says("Done.")], [makeTool("execute_command")]);
    const own = [commandCheck("a", { author: "person" }), commandCheck("b", { author: "project" })];
    await run.run({ plan: checkedPlan(own) });
    expect(statuses(run.plan)).toEqual([["completed", "verified"]]);
  });

  it("leaves it open if one fails, says what was seen, and makes no later call of the message", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1"), "work", "complete"), callsTools("work"), says("…")]);
    checks.failures.a = "`a` exited with 1, not 0: 1 test failed.";
    run.spending.expect = () => {};
    await run.run({ plan: checkedPlan([commandCheck("a")], []), max_steps: 2 });
    expect(statuses(run.plan)).toEqual([
      ["in_progress", "failed"],
      ["pending", undefined],
    ]);
    expect(run.results.get("call_1_0")).toMatchObject({
      is_error: true,
      content: expect.stringContaining("exited with 1, not 0: 1 test failed."),
    });
    for (const id of ["call_1_1", "call_1_2"])
      expect(run.results.get(id)?.content).toMatch(/^not executed: a check of the task/);
    expect(run.results.get("call_2_0")?.content).toBe("work done");
  });

  it("closes it all the same where the agent's checks advise, and says that it failed", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1"), "work"), says("Done.")]);
    checks.failures.a = "No.";
    const agent = agentConfig.parse({ checks: "advise" });
    await run.run({ agent, plan: checkedPlan([commandCheck("a")]) });
    expect(statuses(run.plan)).toEqual([["completed", "failed"]]);
    expect(run.results.get("call_1_1")?.content).toBe("work done");
  });

  it("keeps a person's edit that comes while the checks run, and runs no check twice", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), says("Done.")]);
    checks.during = () => run.edit([{ op: "update", task_ids: ["task_2"], content: "Paint it blue" }]);
    await run.run({ plan: checkedPlan([commandCheck("a")], []), max_steps: 1 });
    expect(checks.ran).toEqual(["a"]);
    expect(run.plan.tasks).toMatchObject([{ status: "completed" }, { content: "Paint it blue" }]);
    expect(run.plan.version).toBe(3);
  });

  it("runs nothing for a task that a person has completed meanwhile", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), says("Done.")]);
    checks.failures.a = "No.";
    checks.during = () => run.edit([{ op: "update", task_ids: ["task_1"], status: "completed" }]);
    await run.run({ plan: checkedPlan([commandCheck("a")]) });
    expect(run.plan.tasks[0]?.status).toBe("completed");
    expect(ends(run.facts)[0]).toMatchObject({ is_error: false, receipts: [{ outcome: "failed" }] });
  });

  it("is cancelled with the run, and closes nothing", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1"))]);
    checks.during = () => {
      run.cancel.abort();
      throw run.cancel.signal.reason;
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]) })).toEqual({ status: "cancelled" });
    expect(statuses(run.plan)).toEqual([["in_progress", "not_run"]]);
  });

  it("ends a task as failed when a check fails three times in the same way, and continues with the next", async () => {
    const attempt = () => callsTools("work", complete("task_1"));
    const { run, checks } = newRun([
      attempt(),
      attempt(),
      attempt(),
      callsTools(complete("task_2")),
      says("Half of it."),
    ]);
    let tries = 0;
    checks.during = () => {
      checks.failures.a = `1 of ${++tries} tests failed after ${tries * 7} ms.`;
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")], []) })).toEqual(completed("Half of it."));
    expect(statuses(run.plan)).toEqual([
      ["cancelled", "failed"],
      ["completed", undefined],
    ]);
    expect(run.results.get("call_3_1")?.content).toContain("has failed 3 times in the same way");
  });

  it("counts anew when a check fails in another way", async () => {
    const attempt = () => callsTools("work", complete("task_1"));
    const { run, checks } = newRun([attempt(), attempt(), attempt()]);
    const words = ["x is missing.", "x is missing.", "y is missing."];
    checks.during = () => {
      checks.failures.a = words.shift() ?? "";
    };
    await run.run({ plan: checkedPlan([commandCheck("a")]), max_steps: 3 });
    expect(run.plan.tasks[0]).toMatchObject({ status: "in_progress", checks: [{ result: { rounds: 1 } }] });
  });

  it("says that nothing ran where no sandbox can run checks", async () => {
    const { run } = newRun([callsTools(complete("task_1")), says("Done.")]);
    run.checks = null;
    await run.run({ plan: checkedPlan([commandCheck("a")]) });
    expect(statuses(run.plan)).toEqual([["completed", "not_run"]]);
  });
});

describe("files that a person's check protects", () => {
  const guarded = commandCheck("a", { author: "person", spec: { type: "command", run: "a", protected: ["t"] } });
  const asWritten = (checks: ScriptedChecks, run: ScriptedRun) => {
    run.onFact = (fact) => {
      if (fact.type === "tool_finished" && fact.name === "work") checks.hash = (path) => `another ${path}`;
    };
  };

  it("are hashed before the model's first call, and not as it has left them", async () => {
    const { run, checks } = newRun([callsTools("work"), callsTools("work", complete("task_1")), says("Done.")]);
    asWritten(checks, run);
    await run.run({ plan: checkedPlan([guarded]) });
    expect(run.plan.tasks[0]).toMatchObject({
      verification: "verified",
      checks: [{ protected: [{ path: "t", hash: "hash of t" }] }],
    });
    expect(run.facts.filter(({ type }) => type === "checks_settled")).toHaveLength(1);
  });

  it("verify nothing if they could not be hashed then", async () => {
    const { run, checks } = newRun([callsTools("work"), callsTools(complete("task_1")), says("Done.")]);
    asWritten(checks, run);
    checks.hash = null;
    await run.run({ plan: checkedPlan([guarded]) });
    expect(statuses(run.plan)).toEqual([["completed", "self_checked"]]);
    expect(run.plan.tasks[0]?.checks?.[0]).not.toHaveProperty("protected");
  });

  it("are hashed before the next call if the person adds the check meanwhile", async () => {
    const { run } = newRun([callsTools("work"), callsTools(complete("task_1")), says("Done.")]);
    run.onFact = (fact) => {
      if (fact.type !== "tool_finished" || fact.name !== "work") return;
      run.edit([{ op: "update", task_ids: ["task_1"], checks: [guarded.spec] }]);
    };
    await run.run({ plan: checkedPlan([]) });
    expect(statuses(run.plan)).toEqual([["completed", "verified"]]);
  });
});
