// Evidence: a completed task should have something to show for it. Under `evidence: "challenge"`, a completion without
// one successful call is sent back once. A model that forgot to check then checks, and a task that left nothing to
// check (a decision, a thought) costs one extra step.
import type { Ledger } from "../../protocol/plan/ledger.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { nameTask } from "./text.ts";

export interface Challenge {
  message: string;
  /** Stored with the refusal, so that the ledger knows which tasks are not sent back again. */
  task_ids: string[];
}

const MAX_NAMED = 5;

/** Null if each task that the change completes is proven or was sent back before. */
export function challengeCompletion(before: Plan, after: Plan, ledger: Ledger): Challenge | null {
  const former = new Map(before.tasks.map((task) => [task.id, task.status]));
  const unproven = after.tasks.filter(
    ({ id, status }) =>
      status === "completed" && former.get(id) !== "completed" && !ledger[id]?.proven && !ledger[id]?.challenged,
  );
  if (unproven.length === 0) return null;
  const names = unproven.slice(0, MAX_NAMED).map(nameTask).join(", ");
  const rest = unproven.length > MAX_NAMED ? ` and ${unproven.length - MAX_NAMED} more` : "";
  return {
    message: `Nothing was changed: no call has succeeded for ${names}${rest} since it began, so nothing shows that it is done. What would show it: a command that exits with 0, a file written or read back, a page that answers. Do that first, then complete it. If there is nothing to show, make this same call again: it will be accepted.`,
    task_ids: unproven.map(({ id }) => id),
  };
}
