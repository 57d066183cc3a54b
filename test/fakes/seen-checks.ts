import { withVerification } from "../../src/agent/checks/verification.ts";
import type { Check, CheckResult } from "../../src/protocol/plan/check.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";

/** What the server saw of the checks, in their order. */
export function seeChecks(plan: Plan, outcomes: CheckResult[]): Plan {
  let at = 0;
  const tasks = plan.tasks.map((task) => {
    if (task.checks === undefined) return task;
    const checks = task.checks.map((check): Check => {
      const seen = outcomes[at++ % outcomes.length];
      return seen === undefined ? check : { ...check, result: seen };
    });
    return withVerification({ ...task, checks });
  });
  return at === 0 ? plan : { ...plan, version: plan.version + 1, tasks };
}
