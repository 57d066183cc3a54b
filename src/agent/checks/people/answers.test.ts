import { expect, it } from "vitest";
import { checkedPlan, commandCheck, ScriptedChecks } from "../../../../test/fakes/check-runner.ts";
import type { Check, CheckOutcome } from "../../../protocol/plan/check.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import { describeAnswers, withAnswers } from "./answers.ts";

const asks = (id: string, outcome?: CheckOutcome): Check => ({
  ...{ id, author: "person", spec: { type: "person", question: "Good?" } },
  ...(outcome === undefined ? {} : { result: { receipt_id: id, outcome, reason: "", at: "", tree: "tree_1" } }),
});

it("a question that nobody answers changes nothing of what people have said of other tasks that share it", () => {
  const open = checkedPlan([asks("chk_yes", "passed")], [asks("chk_no", "failed")], [asks("chk_new")]);
  const plan: Plan = { ...open, tasks: open.tasks.map((task) => ({ ...task, status: "completed" })) };
  const unanswered = { question: "Good?", outcome: "not_run", note: "", tree: null } as const;
  const { plan: now, receipts } = withAnswers(plan, [unanswered], { invocation_id: "inv_a", at: "" });
  expect(receipts.map(({ check_id }) => check_id)).toEqual(["chk_new"]);
  expect(now.tasks.map(({ verification }) => verification)).toEqual(["verified", "failed", "not_run"]);
});

it("a life that continues behind the last checks of an answered run says what failed, and of no person that they said no", async () => {
  const check = commandCheck("npm test");
  const checks = new ScriptedChecks();
  checks.failures["npm test"] = "1 test failed.";
  const receipts = await checks.run([{ task_id: "task_1", check }]);
  const nudge = describeAnswers(checkedPlan([check]), receipts);
  expect(nudge).toContain("1 test failed.");
  expect(nudge).not.toContain("A person was asked");
});
