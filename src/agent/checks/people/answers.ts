// What people have said about finished work, as receipts. A no is a check that failed: the plan gets a task to repair it,
// as for every late failure. Pure functions.
import { cutEnd } from "../../../lib/truncate.ts";
import { newId } from "../../../protocol/ids.ts";
import type { CheckOutcome, Receipt } from "../../../protocol/plan/check.ts";
import type { Plan, Task } from "../../../protocol/plan/task.ts";
import { withReceipts } from "../results.ts";
import { addRepairs } from "../settle.ts";
import { withVerification } from "../verification.ts";
import { describeNos, describeRepairs } from "../words.ts";
import { isOpen } from "./ask.ts";

export interface PersonAnswer {
  question: string;
  /** `not_run`: nobody answered. */
  outcome: CheckOutcome;
  /** The person's own words; empty if they gave none. */
  note: string;
  /** What it is about; null if no files were looked at. */
  tree: string | null;
}

interface Answered {
  plan: Plan;
  receipts: Receipt[];
}

const NOTE_CHARACTERS = 4_000;
const REASON_CHARACTERS = 1_000;

/**
 * The next version of the plan; the same plan if none of its checks asks what was answered. A check that a person has
 * answered is theirs: they have read all of it, as with a plan that they approve.
 */
export function withAnswers(
  plan: Plan,
  answers: readonly PersonAnswer[],
  { invocation_id, at, task_ids }: { invocation_id: string | null; at: string; task_ids?: ReadonlySet<string> },
): Answered {
  const of = new Map(answers.map((answer) => [answer.question, answer]));
  const receipts: Receipt[] = [];
  const tasks = plan.tasks.map((task) => {
    const isMeant = task_ids?.has(task.id) ?? (task.status === "completed" && task.verification !== "accepted");
    if (!isMeant || task.checks === undefined) return task;
    const checks = task.checks.map((check) => {
      const answer = check.spec.type === "person" ? of.get(check.spec.question) : undefined;
      // Nobody's silence takes back what was said of another task that shares the question.
      if (answer === undefined || (answer.outcome === "not_run" && !isOpen(check))) return check;
      const theirs = answer.outcome === "not_run" ? check : { ...check, author: "person" as const };
      receipts.push(toReceipt(task, theirs, answer, { invocation_id, at }));
      return theirs;
    });
    return { ...task, checks };
  });
  if (receipts.length === 0) return { plan, receipts };
  const seen = withReceipts({ ...plan, version: plan.version + 1, tasks: tasks.map(withVerification) }, receipts);
  return { plan: invocation_id === null ? seen : addRepairs(seen, receipts), receipts };
}

function toReceipt(
  { id: task_id }: Task,
  { id: check_id, author, spec }: NonNullable<Task["checks"]>[number],
  { outcome, note, tree }: PersonAnswer,
  { invocation_id, at }: { invocation_id: string | null; at: string },
): Receipt {
  const said = cutEnd(note.trim().toWellFormed(), NOTE_CHARACTERS);
  return {
    ...{ receipt_id: newId("rcpt"), task_id, check_id, invocation_id, author, spec, outcome },
    reason: describeAnswer(outcome, said),
    started_at: at,
    ...{ duration_ms: 0, exit_code: null },
    ...{ output_head: said, output_tail: "", output_bytes: new TextEncoder().encode(said).length, output_hash: null },
    tree,
  };
}

function describeAnswer(outcome: CheckOutcome, note: string): string {
  if (outcome === "not_run") return "Nobody answered the question.";
  const word = outcome === "passed" ? "yes" : "no";
  return cutEnd(note === "" ? `A person said ${word}.` : `A person said ${word}: ${note}`, REASON_CHARACTERS);
}

/** What the model reads after a no; null if there is no task for it. */
export function describeAnswers(plan: Plan, receipts: readonly Receipt[]): string | null {
  const failed = receipts.filter(({ outcome }) => outcome === "failed");
  const specs = new Set(failed.map(({ spec }) => JSON.stringify(spec)));
  const repairs = plan.tasks.filter(
    ({ status, checks = [] }) =>
      (status === "pending" || status === "in_progress") && checks.some(({ spec }) => specs.has(JSON.stringify(spec))),
  );
  if (repairs.length === 0) return null;
  // A later life finds what the run's last checks have left, too.
  const nos = failed.filter(({ spec }) => spec.type === "person");
  return nos.length === 0 ? describeRepairs(repairs, failed) : describeNos(repairs, nos);
}
