// What a document says of a run: its tasks with checks, and what the server saw of each check while the run worked. Also
// checks that never ran, since a report without them would look better than the work is.
import { describeCheck } from "../../../agent/checks/describe.ts";
import { verificationOf } from "../../../agent/checks/verification.ts";
import type { Check, CheckAuthor, CheckInput, Receipt, Verification } from "../../../protocol/plan/check.ts";
import type { Plan, Task, TaskStatus } from "../../../protocol/plan/task.ts";
import type { Run } from "../../../protocol/run.ts";
import { toPlainLine } from "./plain.ts";

export interface ReportedCheck {
  check_id: string;
  author: CheckAuthor;
  spec: CheckInput;
  /** One line. */
  name: string;
  /** In the order in which it ran; empty if it never did. */
  receipts: Receipt[];
}

export interface ReportedTask {
  task_id: string;
  /** One line; the id of a task that is gone. */
  name: string;
  /** As the plan is now. Null for a task that is gone. */
  status: TaskStatus | null;
  verification: Verification | null;
  checks: ReportedCheck[];
}

export interface Report {
  run: Run;
  tasks: ReportedTask[];
  /** False if the oldest receipts of the run may be missing. */
  is_whole: boolean;
}

const NAME_CHARACTERS = 200;
const FILES_CHARACTERS = 2_000;

export function makeReport(run: Run, plan: Plan, receipts: readonly Receipt[], is_whole: boolean): Report {
  const byTask = Map.groupBy(receipts, ({ task_id }) => task_id);
  const known = new Set(plan.tasks.map(({ id }) => id));
  const gone = [...byTask.keys()].filter((id) => !known.has(id));
  const tasks = [
    ...plan.tasks.map((task) => reportTask(task.id, task, byTask.get(task.id) ?? [])),
    ...gone.map((id) => reportTask(id, null, byTask.get(id) ?? [])),
  ];
  return { run, tasks: tasks.filter(({ checks }) => checks.length > 0), is_whole };
}

function reportTask(task_id: string, task: Task | null, receipts: readonly Receipt[]): ReportedTask {
  const byCheck = Map.groupBy(receipts, ({ check_id }) => check_id);
  const ran = [...byCheck.values()].flatMap((seen) => (seen[0] === undefined ? [] : reportCheck(seen[0], seen)));
  const never = (task?.checks ?? []).filter(({ id, result }) => result === undefined && !byCheck.has(id));
  return {
    task_id,
    name: toPlainLine(task?.content ?? "", NAME_CHARACTERS) || task_id,
    status: task?.status ?? null,
    verification: task === null ? null : verificationOf(task),
    checks: [...ran, ...never.map((check) => reportCheck(toNamed(check), []))],
  };
}

type Named = Pick<Receipt, "check_id" | "author" | "spec">;

function toNamed({ id, author, spec }: Check): Named {
  return { check_id: id, author, spec };
}

function reportCheck({ check_id, author, spec }: Named, receipts: Receipt[]): ReportedCheck {
  return { check_id, author, spec, name: toPlainLine(describeCheck(spec), NAME_CHARACTERS) || check_id, receipts };
}

/** What was printed, as far as it is kept. */
export function outputOf({ output_head, output_tail }: Receipt): string {
  return output_tail === "" ? output_head : `${output_head}\n[…]\n${output_tail}`;
}

/** The middle dot joins what belongs together, such as an outcome and its time. */
export function describeTime({ started_at, duration_ms, exit_code }: Receipt): string {
  const seconds = `${(duration_ms / 1000).toFixed(1)} s`;
  return [started_at, seconds, ...(exit_code === null ? [] : [`exit code ${exit_code}`])].join(" · ");
}

/** "3 verified, 1 failed" */
export function describeCounts({ checked_tasks = {} }: Run): string {
  const counts = Object.entries(checked_tasks).map(([verification, count]) => `${count} ${verification}`);
  return counts.length === 0 ? "none" : counts.join(", ");
}

/** Null if there are none. */
export function describeFiles(files: readonly string[] = []): string | null {
  return files.length === 0
    ? null
    : toPlainLine(files.map((file) => JSON.stringify(file)).join(", "), FILES_CHARACTERS);
}
