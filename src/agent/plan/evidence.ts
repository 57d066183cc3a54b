// Evidence: a completed task should have something to show for it. Under `evidence: "challenge"`, a completion without
// one successful call is sent back once. A model that forgot to check then checks, and a task that left nothing to
// check (a decision, a thought) costs one extra step.
import type { Ledger } from "../../protocol/plan/ledger.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { nameTask } from "./text.ts";

export interface Challenge {
  message: string;
  /** Stored with the refusal, so that the ledger knows which tasks are not sent back again. */
  task_ids: string[];
}

const MAX_NAMED = 5;

const OPENING = "Nothing was changed: no call has succeeded for ";

export function isChallenge(result: string): boolean {
  return result.startsWith(OPENING);
}

/**
 * Null if each task that the change completes is proven or was sent back before. `unread`: challenges that the model has
 * not read yet, since they answered calls of the same message.
 */
export function challengeCompletion(
  before: Plan,
  after: Plan,
  ledger: Ledger,
  unread: readonly string[] = [],
): Challenge | null {
  const former = new Map(before.tasks.map((task) => [task.id, task.status]));
  const isRead = (task: Task) => !unread.some((challenge) => challenge.includes(nameTask(task)));
  const unproven = after.tasks.filter(
    (task) =>
      task.status === "completed" &&
      former.get(task.id) !== "completed" &&
      !ledger[task.id]?.proven &&
      !(ledger[task.id]?.challenged && isRead(task)),
  );
  if (unproven.length === 0) return null;
  const names = unproven.slice(0, MAX_NAMED).map(nameTask).join(", ");
  const rest = unproven.length > MAX_NAMED ? ` and ${unproven.length - MAX_NAMED} more` : "";
  return {
    message: `${OPENING}${names}${rest} since it began, so nothing shows that it is done. What would show it: a command that exits with 0, a file written or read back, a page that answers. Do that first, then complete it. If there is nothing to show, make this same call again in your next message: it will be accepted.`,
    task_ids: unproven.map(({ id }) => id),
  };
}
