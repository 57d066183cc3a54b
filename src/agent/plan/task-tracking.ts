// Tracks what the model has seen of the plan at each call, and applies it to the calls that it then makes. The model
// acts on the plan that it saw, while a person may change the plan at any moment.
import type { Plan } from "../../protocol/plan/task.ts";
import type { RunState } from "../loop-state.ts";
import type { Challenge } from "./evidence.ts";
import { challengeCompletion } from "./evidence.ts";
import { digestLedger } from "./ledger-text.ts";
import { noProgress } from "./progress.ts";
import { remindOfPlan } from "./reminder.ts";
import { startDueTask } from "./rules.ts";
import { dueTask, openTasks } from "./view.ts";

/**
 * Returns the plan's reminder for the next call, or null if there is nothing to say, and records what the model then
 * sees.
 */
export function preparePlanReminder(state: RunState): string | null {
  const { plan, ports } = state;
  const edits = ports.readUnseenEdits();
  state.seen = { task_id: noteDue(state, plan), edits: edits?.version ?? null };
  // The person has moved the work forward, so the counts of reminders and fruitless steps start again.
  if (edits !== null) {
    state.replies = { ...state.replies, reminders: 0, of_task: 0 };
    state.progress = noProgress;
  }
  const digest = () => digestLedger(plan, ports.readLedger());
  return remindOfPlan(plan, { edits, digest, isFormer: state.isFormerPlan });
}

/** While a task is open, the plan covers what the person wants now. */
function noteDue(state: RunState, plan: Plan): string | null {
  const due = dueTask(plan);
  if (due !== null) state.isFormerPlan = false;
  return due?.id ?? null;
}

/** What is stored with the reply: the task of the step, and the edits that the model has now seen. */
export function describeSeen({ seen }: RunState, partial: boolean): { task_id?: string; seen_edits?: number } {
  return {
    ...(seen.task_id === null ? {} : { task_id: seen.task_id }),
    // The model may not have reacted to the edits in a reply that was cut off.
    ...(seen.edits === null || partial ? {} : { seen_edits: seen.edits }),
  };
}

/**
 * The task that a call for work belongs to, and the plan with that task started. If a person has replaced the task that
 * the model saw as due, its calls still belong to the old task and start nothing.
 */
export function beginWork({ plan, ports, seen }: RunState): { task_id?: string; plan?: Plan } {
  const due = dueTask(plan);
  if (ports.readUnseenEdits() !== null && due?.id !== seen.task_id) {
    const task_id = seen.task_id ?? (due?.status === "in_progress" ? due.id : null);
    return task_id === null ? {} : { task_id };
  }
  if (due === null) return {};
  const started = startDueTask(plan);
  return started === null ? { task_id: due.id } : { task_id: due.id, plan: started };
}

/** The result of the model's own change shows it what is due. */
export function noteChange(state: RunState, plan: Plan): void {
  state.seen = { ...state.seen, task_id: noteDue(state, plan) };
}

/**
 * Whether a person has added work that the model has not seen. The run then continues, unless this was its last step.
 */
export function hasUnseenWork({ plan, ports, steps, input }: RunState): boolean {
  return steps < input.max_steps && ports.readUnseenEdits() !== null && openTasks(plan).length > 0;
}

/** Sends back a completion without evidence, once for each task. */
export function challengeChange(state: RunState, changed: Plan): Challenge | null {
  if (state.input.agent.evidence !== "challenge") return null;
  return challengeCompletion(state.plan, changed, state.ports.readLedger());
}
