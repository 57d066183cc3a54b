import { expect, it } from "vitest";
import { checkedPlan, commandCheck, ScriptedChecks } from "../../../test/fakes/check-runner.ts";
import { callsTools, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { taskTools } from "../../tools/tasks.ts";

const spec = { type: "command" as const, run: "a", protected: ["t"] };

it("a check that a person adds while a message's calls run has its files hashed before the next call of that message", async () => {
  const run = new ScriptedRun([callsTools("work", "work"), says("Done.")], [...taskTools, makeTool("work")]);
  const checks = new ScriptedChecks();
  run.checks = checks;
  let worked = 0;
  run.onFact = (fact) => {
    if (fact.type !== "tool_finished" || fact.name !== "work") return;
    worked++;
    if (worked === 1) run.edit([{ op: "update", task_ids: ["task_1"], checks: [spec] }]);
    else checks.hash = (path) => `another ${path}`;
  };
  await run.run({ plan: checkedPlan([commandCheck("b")]), max_steps: 2 });
  const added = run.plan.tasks[0]?.checks?.find(({ author }) => author === "person");
  expect(added?.protected).toEqual([{ path: "t", hash: "hash of t" }]);
});
