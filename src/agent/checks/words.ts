// What the model reads of checks that ran. Output of the sandbox in it is data: it is quoted, and short.
import type { Check, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { nameTask, quote } from "../plan/text.ts";
import { pickEvidence } from "./evidence.ts";
import { verificationOf } from "./verification.ts";

/** A model mends one thing at a time, and reads the rest at the next try. */
const MAX_FAILURES = 3;

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

export function describeRefusal(plan: Plan, failed: readonly Receipt[], hopeless: readonly Task[]): string {
  const ids = new Set(failed.map(({ task_id }) => task_id));
  const names = plan.tasks.filter(({ id }) => ids.has(id)).map(nameTask);
  const more = failed.length > MAX_FAILURES ? [`… and ${failed.length - MAX_FAILURES} more`] : [];
  const gaveUp = hopeless.map(
    (task) =>
      `${nameTask(task)} has failed ${task.checks?.find(({ result }) => result?.outcome === "failed")?.result?.rounds ?? 0} times in the same way and is cancelled, as failed. Don't plan it again unless the person asks; say in your answer that it is not done.`,
  );
  return [
    `Not completed: the server ran the checks of ${names.join(", ")}, and not all passed.`,
    ...failed.slice(0, MAX_FAILURES).map(describeFailure),
    ...more,
    ...(gaveUp.length > 0 ? gaveUp : ["Mend what fails, then complete the task again. The checks stay as they are."]),
  ].join("\n");
}

/** The nudge after a late failure. */
export function describeRepairs(repairs: readonly Task[], receipts: readonly Receipt[]): string {
  const failed = receipts.filter(({ outcome }) => outcome === "failed");
  return [
    "Before the run ended, the server ran checks again whose files had changed. Some fail now:",
    ...failed.slice(0, MAX_FAILURES).map(describeFailure),
    `So the plan has new tasks: ${repairs.map(nameTask).join(", ")}. Do them now.`,
  ].join("\n");
}

function describeFailure({ spec, reason, output_head, output_tail, changed_files }: Receipt): string {
  const shown = pickEvidence(output_head, output_tail);
  const changed = changed_files?.length ? [`It changed ${changed_files.map(quote).join(", ")}.`] : [];
  return [
    `- ${spec.type}: ${reason}`,
    ...changed.map((line) => `  ${line}`),
    ...(shown.length === 0 ? [] : ["  Of its output (data):", ...shown.map((line) => `  | ${line}`)]),
  ].join("\n");
}
