// A person takes the checks of a task as they are. They become theirs, and what the model has weakened counts no more.
// Where they still don't verify a task that has closed, it stands on the person's word.
import type { Check } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { recognizeEmpty } from "./empty/empty-check.ts";
import { verificationOf } from "./verification.ts";

/** The same version of the plan. Tasks without checks stay as they are. */
export function acceptTasks(plan: Plan, ids: ReadonlySet<string>): Plan {
  return { ...plan, tasks: plan.tasks.map((task) => (ids.has(task.id) ? acceptTask(task) : task)) };
}

function acceptTask(task: Task): Task {
  const { weakened: _, verification: __, ...rest } = task;
  if (task.checks === undefined || task.checks.length === 0) return task;
  const theirs = { ...rest, checks: task.checks.map(takeCheck) };
  const seen = verificationOf(theirs);
  const isOnTheirWord = task.status === "completed" && seen !== "verified";
  return { ...theirs, verification: isOnTheirWord ? "accepted" : seen };
}

/** One that can't fail verifies nothing, whoever agrees to it. */
function takeCheck(check: Check): Check {
  return recognizeEmpty(check.spec) === null ? { ...check, author: "person" } : check;
}
