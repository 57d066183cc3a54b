// What the model reads of checks that ran. Output of the sandbox in it is data: it is quoted, and short.
import type { Check, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { nameTask, quote } from "../plan/text.ts";
import { describeFailure } from "./run/receipt.ts";
import { verificationOf } from "./verification.ts";

/** A model fixes one thing at a time, and reads the rest at the next try. */
const MAX_FAILURES = 3;
/** A person has taken the trouble to write each of them. */
const MAX_NOS = 10;

/** "task_3: 2 of 2 passed" for each task that has closed. */
export function describeClosed(closed: readonly Task[]): string {
  return closed
    .filter(({ checks = [] }) => checks.length > 0)
    .map((task) => {
      const { checks = [] } = task;
      const passed = checks.filter(({ result }) => result?.outcome === "passed").length;
      const rest = checks.filter(({ result }) => result?.outcome !== "passed").map(describeUnmet);
      return `${nameTask(task)}: ${passed} of ${checks.length} passed, ${verificationOf(task)}${rest.map((line) => `; ${line}`).join("")}`;
    })
    .join("\n");
}

function describeUnmet({ spec, result }: Check): string {
  if (spec.type === "person") return `a person is asked at the end: ${quote(spec.question)}`;
  return result === undefined ? `${spec.type} has not run` : `${spec.type}: ${result.reason}`;
}

/** How a completion is refused begins. A later life recognizes it. */
export const REFUSED = "Not completed: the server ran the checks of ";

export function describeRefusal(plan: Plan, failed: readonly Receipt[], hopeless: readonly Task[]): string {
  const ids = new Set(failed.map(({ task_id }) => task_id));
  const names = plan.tasks.filter(({ id }) => ids.has(id)).map(nameTask);
  const more = failed.length > MAX_FAILURES ? [`… and ${failed.length - MAX_FAILURES} more`] : [];
  const gaveUp = hopeless.map(
    (task) =>
      `${nameTask(task)} has failed ${task.checks?.find(({ result }) => result?.outcome === "failed")?.result?.rounds ?? 0} times in the same way and is cancelled, as failed. Don't plan it again unless the person asks; say in your answer that it is not done.`,
  );
  return [
    `${REFUSED}${names.join(", ")}, and not all passed.`,
    ...failed.slice(0, MAX_FAILURES).map((receipt) => `- ${describeFailure(receipt)}`),
    ...more,
    ...(gaveUp.length > 0 ? gaveUp : ["Mend what fails, then complete the task again. The checks stay as they are."]),
  ].join("\n");
}

/** Why a run ends whose agent stops at a failed task. */
export function describeStop(gave_up: readonly Task[]): string {
  const lines = gave_up.map((task) => {
    const reason = task.checks?.find(({ result }) => result?.outcome === "failed")?.result?.reason;
    return `${quote(task.content)}: ${reason ?? "a check has failed"}`;
  });
  return `The run stopped because a task has failed. ${lines.join(" ")} Send another message to go on with the rest.`;
}

/** The nudge after a late failure. */
export function describeRepairs(repairs: readonly Task[], receipts: readonly Receipt[]): string {
  const failed = receipts.filter(({ outcome }) => outcome === "failed");
  return [
    "Before the run ended, the server ran checks again whose files had changed. Some fail now:",
    ...failed.slice(0, MAX_FAILURES).map((receipt) => `- ${describeFailure(receipt)}`),
    `So the plan has new tasks: ${repairs.map(nameTask).join(", ")}. Do them now.`,
  ].join("\n");
}

/** The nudge after people have said no. Notes are theirs: words of a person, and no orders of the server. */
export function describeNos(repairs: readonly Task[], failed: readonly Receipt[]): string {
  const nos = new Map(failed.map(({ spec, reason }) => [spec.type === "person" ? spec.question : "", reason]));
  return [
    "A person was asked about the finished work, and is not content:",
    ...[...nos].slice(0, MAX_NOS).map(([question, reason]) => `- ${quote(question)} ${reason}`),
    `So the plan has new tasks: ${repairs.map(nameTask).join(", ")}. Do them now. They are asked again when you are done.`,
  ].join("\n");
}
