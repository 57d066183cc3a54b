// What is known of a task's result, from its checks and what was seen last. Stored with the task, so that no reader has
// to know the rule.
import type { Check, Verification } from "../../protocol/plan/check.ts";
import type { Task } from "../../protocol/plan/task.ts";
import { describeUnprotected } from "./protected-pattern.ts";

type Checked = Pick<Task, "status" | "checks" | "verification" | "weakened">;

/** The first that fits. A person's yes stands, whatever a check says later. */
export function verificationOf({ status, checks = [], verification, weakened }: Checked): Verification {
  if (checks.length === 0) return "none";
  if (status === "completed" && verification === "accepted") return "accepted";
  if (checks.some(({ result }) => result?.outcome === "failed")) return "failed";
  if (checks.some(({ result }) => result?.outcome !== "passed")) return "not_run";
  if (checks.some(({ result }) => result?.stale)) return "stale";
  return weakened || checks.some(isOwn) ? "self_checked" : "verified";
}

/** The model may have had a hand in it: it wrote the check, or files that the check should protect. */
function isOwn(check: Check): boolean {
  return check.author === "model" || check.result?.altered === true || describeUnprotected(check) !== null;
}

/** The task with its verification; the same object if it has it. A task without checks has neither. */
export function withVerification(task: Task): Task {
  if (task.checks === undefined && task.verification === undefined) return task;
  const { checks = [], verification: stored, ...rest } = task;
  if (checks.length === 0) return rest;
  const verification = verificationOf(task);
  return verification === stored ? task : { ...task, verification };
}
