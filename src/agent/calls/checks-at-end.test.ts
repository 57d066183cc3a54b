// The checks that run once more when a run ends.
import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck } from "../../../test/fakes/check-runner.ts";
import { complete, newRun, statuses } from "../../../test/fakes/checked-run.ts";
import { callsTools, completed, says } from "../../../test/fakes/scripted-run.ts";
import type { Check } from "../../protocol/plan/check.ts";

describe("the end of a run", () => {
  it("runs a person's check again after any call since, also if no file shows it", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), callsTools("work"), says("Done.")]);
    await run.run({ plan: checkedPlan([commandCheck("a", { author: "person" }), commandCheck("b")]) });
    expect(checks.ran).toEqual(["a", "b", "a"]);
  });

  it("is no look if the run is cut: what may have changed is stale, and what was seen after the last call is not", async () => {
    const { run } = newRun([callsTools(complete("task_1")), callsTools("work", complete("task_2"))]);
    const person = (id: string) => commandCheck(id, { author: "person" });
    await run.run({ plan: checkedPlan([person("a")], [person("b")], []), max_steps: 2 });
    expect(statuses(run.plan).slice(0, 2)).toEqual([
      ["completed", "stale"],
      ["completed", "verified"],
    ]);
  });

  it("runs what an earlier run has left stale, although nothing was done in this one", async () => {
    const { run, checks } = newRun([says("Done.")]);
    const result = { receipt_id: "r", outcome: "passed", reason: "", at: "", tree: "tree_1", stale: true } as const;
    const plan = checkedPlan([commandCheck("a", { author: "person", result })]);
    const tasks = plan.tasks.map((task) => ({ ...task, status: "completed" as const }));
    await run.run({ plan: { ...plan, tasks } });
    expect(checks.ran).toEqual(["a"]);
    expect(statuses(run.plan)).toEqual([["completed", "verified"]]);
  });

  it("runs no check again that ran after the last call", async () => {
    const { run, checks } = newRun([callsTools("work"), callsTools(complete("task_1")), says("Done.")]);
    await run.run({ plan: checkedPlan([commandCheck("a", { author: "person" })]) });
    expect(checks.ran).toEqual(["a"]);
  });

  it("runs a check again whose files have changed since it passed, and no other", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), callsTools("work"), says("Done.")]);
    run.onFact = (fact) => {
      if (fact.type === "tool_finished" && fact.name === "work") checks.tree = "tree_2";
    };
    await run.run({ plan: checkedPlan([commandCheck("a")]) });
    expect(checks.ran).toEqual(["a", "a"]);
    expect(run.facts.at(-1)).toMatchObject({ type: "checks_settled", receipts: [{ outcome: "passed" }] });
    expect(statuses(run.plan)).toEqual([["completed", "self_checked"]]);
  });

  it("looks at a file again only if that file has changed", async () => {
    const file: Check = { id: "chk_file", author: "person", spec: { type: "file", path: "a.txt" } };
    for (const [hash, ran] of [
      ["tree_1", ["a.txt"]],
      ["other", ["a.txt", "a.txt"]],
    ] as const) {
      const { run, checks } = newRun([callsTools(complete("task_1"), "work"), says("Done.")]);
      checks.hashFiles = async (paths) => new Map(paths.map((path) => [path, hash]));
      run.onFact = (fact) => {
        if (fact.type === "tool_finished" && fact.name === "work") checks.tree = "tree_2";
      };
      await run.run({ plan: checkedPlan([file]) });
      expect(checks.ran).toEqual(ran);
    }
  });

  it("asks nothing of the sandbox if no call has worked since", async () => {
    const { run, checks } = newRun([callsTools(complete("task_1")), says("Done.")]);
    checks.readTree = async () => {
      throw new Error("asked");
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]) })).toEqual(completed("Done."));
  });

  it("adds a task for what fails late, reopens nothing, and continues", async () => {
    const { run, checks } = newRun([
      callsTools(complete("task_1")),
      callsTools("work"),
      says("Done."),
      callsTools("work"),
      callsTools(complete("task_2")),
      says("Mended."),
    ]);
    run.onFact = (fact) => {
      if (fact.type !== "tool_finished" || fact.name !== "work") return;
      checks.failures = checks.tree === "tree_1" ? { a: "It broke." } : {};
      checks.tree += "+";
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]) })).toEqual(completed("Mended."));
    expect(run.plan.tasks).toMatchObject([
      { status: "completed", verification: "failed" },
      { content: "Repair: Task 1", status: "completed", verification: "self_checked", checks: [{ author: "model" }] },
    ]);
    expect(run.lastWords(3)).toContain("It broke.");
  });

  it("adds no repair beside one that is open", async () => {
    const { run, checks } = newRun([
      callsTools(complete("task_1")),
      callsTools("work"),
      says("Done."),
      says("I stop."),
    ]);
    run.onFact = (fact) => {
      if (fact.type !== "tool_finished" || fact.name !== "work") return;
      checks.failures.a = "It broke.";
      checks.tree = "tree_2";
    };
    await run.run({ plan: checkedPlan([commandCheck("a")]), max_steps: 4 });
    expect(run.plan.tasks.map(({ content }) => content)).toEqual(["Task 1", "Repair: Task 1"]);
  });
});
