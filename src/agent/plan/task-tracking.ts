// What the model is told of the plan at each call, and what follows from that for the calls it then makes: it acts on the
// plan as it was told, while a person may change it at any moment.
import type { Plan } from "../../protocol/plan/task.ts";
import type { RunState } from "../loop-state.ts";
import type { Challenge } from "./evidence.ts";
import { challengeCompletion } from "./evidence.ts";
import { digestLedger } from "./ledger-text.ts";
import { noProgress } from "./progress.ts";
import { remindOfPlan } from "./reminder.ts";
import { startDueTask } from "./rules.ts";
import { dueTask, openTasks } from "./view.ts";

/** What the newest call was told. */
/** The reminder of the plan for the next call; null where there is nothing to say. */
export function tellPlan(state: RunState): string | null {
  const { plan, ports } = state;
  const news = ports.readNews();
  state.told = { task_id: noteDue(state, plan), edits: news?.version ?? null };
  // The person has moved the work on: whatever the model was reminded of before, it starts anew.
  if (news !== null) {
    state.replies = { ...state.replies, reminders: 0, of_task: 0 };
    state.progress = noProgress;
  }
  const digest = () => digestLedger(plan, ports.readLedger());
  return remindOfPlan(plan, { news, digest, isFormer: state.isFormerPlan });
}

/** Where a task is open, the plan is about what the person wants now. */
function noteDue(state: RunState, plan: Plan): string | null {
  const due = dueTask(plan);
  if (due !== null) state.isFormerPlan = false;
  return due?.id ?? null;
}

/** What is stored with the reply: the task that the step was for, and the edits that the model knows of from now on. */
export function describeTold({ told }: RunState, partial: boolean): { task_id?: string; told_edits?: number } {
  return {
    ...(told.task_id === null ? {} : { task_id: told.task_id }),
    // A reply that was cut off may not have come to it.
    ...(told.edits === null || partial ? {} : { told_edits: told.edits }),
  };
}

/**
 * The task that a call for work is for, and the plan with that task begun. Where a person has put another task in the
 * place of the one that the model was told of, its calls are still for the old one, and begin nothing.
 */
export function beginWork({ plan, ports, told }: RunState): { task_id?: string; plan?: Plan } {
  const due = dueTask(plan);
  if (ports.readNews() !== null && due?.id !== told.task_id) {
    const task_id = told.task_id ?? (due?.status === "in_progress" ? due.id : null);
    return task_id === null ? {} : { task_id };
  }
  if (due === null) return {};
  const started = startDueTask(plan);
  return started === null ? { task_id: due.id } : { task_id: due.id, plan: started };
}

/** The model's own change of the plan tells it what is due. */
export function noteChange(state: RunState, plan: Plan): void {
  state.told = { ...state.told, task_id: noteDue(state, plan) };
}

/** Whether a person has left work that the model has not heard of: the run doesn't end over it, unless this was its last step. */
export function hasUnheardWork({ plan, ports, steps, input }: RunState): boolean {
  return steps < input.max_steps && ports.readNews() !== null && openTasks(plan).length > 0;
}

/** Sends a completion without evidence back, once for each task. */
export function challengeChange(state: RunState, changed: Plan): Challenge | null {
  if (state.input.agent.evidence !== "challenge") return null;
  return challengeCompletion(state.plan, changed, state.ports.readLedger());
}
