// Tracks what the model has seen of the plan at each call, and applies it to the calls that it then makes. The model
// acts on the plan that it saw, while a person may change the plan at any moment.
import type { ToolCall } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { LoopFact } from "../events.ts";
import type { RunState } from "../loop-state.ts";
import type { Challenge } from "./evidence.ts";
import { challengeCompletion, isChallenge } from "./evidence.ts";
import { digestLedger } from "./ledger-text.ts";
import { noProgress } from "./progress.ts";
import { remindOfPlan } from "./reminder.ts";
import { startDueTask } from "./rules.ts";
import type { EditNote, UnseenEdits } from "./unseen-edits.ts";
import { dueTask, openTasks } from "./view.ts";

/** How many open tasks are remembered: stored with a reply, and more than a message gets through. */
const MAX_SEEN = 10;

/**
 * Returns the plan's reminder for the next call, or null if there is nothing to say, and records what the model then
 * sees.
 */
export function preparePlanReminder(state: RunState): string | null {
  const { plan, ports } = state;
  const edits = ports.readUnseenEdits();
  const open = openTasks(plan);
  state.seen = { task_ids: open.slice(0, MAX_SEEN).map(({ id }) => id), edits: edits?.version ?? null };
  if (open.length > 0) state.isFormerPlan = false;
  // The person has moved the work forward, so the counts of reminders and fruitless steps start again.
  if (edits !== null) {
    state.replies = { ...state.replies, reminders: 0, of_task: 0 };
    state.progress = noProgress;
  }
  const digest = () => digestLedger(plan, ports.readLedger());
  return remindOfPlan(plan, { edits, digest, isFormer: state.isFormerPlan });
}

/**
 * What is stored with the reply: the task of the step, the edits that the model has now seen, and the tasks whose turn
 * comes within the message if it changes the plan before another call.
 */
export function describeSeen(
  { seen, tools }: RunState,
  partial: boolean,
  calls: readonly ToolCall[],
): Pick<Extract<LoopFact, { type: "assistant_message" }>, "task_id" | "seen_edits" | "seen_task_ids"> {
  const [task_id] = seen.task_ids;
  const change = calls.findIndex(({ function: called }) => tools.get(called.name)?.kind === "plan");
  const goesOn = change >= 0 && change < calls.length - 1 && seen.task_ids.length > 1;
  return {
    ...(task_id === undefined ? {} : { task_id }),
    ...(goesOn ? { seen_task_ids: seen.task_ids } : {}),
    // The model may not have reacted to the edits in a reply that was cut off.
    ...(seen.edits === null || partial ? {} : { seen_edits: seen.edits }),
  };
}

/**
 * The task that a call for work belongs to, and the plan with that task started: the due one, which is the next if a
 * call before it has completed a task. If a person has made another task due than the one that the model means, the
 * call belongs to that one and starts nothing.
 */
export function beginWork({ plan, ports, seen }: RunState): { task_id?: string; plan?: Plan } {
  const due = dueTask(plan);
  const edits = ports.readUnseenEdits();
  const meant = edits === null ? (due?.id ?? null) : findMeant(plan, seen.task_ids, edits);
  if (meant === null) return {};
  if (meant !== due?.id) return { task_id: meant };
  const started = startDueTask(plan);
  return started === null ? { task_id: meant } : { task_id: meant, plan: started };
}

/** The task that the model takes for the due one, as far as it does not know of `edits`. */
function findMeant(plan: Plan, seen: string[], { notes }: UnseenEdits): string | null {
  const open = openTasks(plan);
  const current = open.find(({ status }) => status === "in_progress");
  const changed = (id: string, did: (note: EditNote) => boolean) =>
    notes.some((note) => note.task_id === id && did(note));
  const isAdded = (id: string) => changed(id, ({ kind }) => kind === "added");
  const isStarted = (id: string) => isAdded(id) || changed(id, ({ status }) => status === "in_progress");
  const isEnded = (id: string) =>
    changed(id, ({ kind, status }) => kind === "deleted" || status === "completed" || status === "cancelled");
  if (current !== undefined && !isStarted(current.id)) return current.id;
  const lost = notes.findLast((note) => note.was_current && isEnded(note.task_id));
  if (lost !== undefined) return lost.task_id;
  // A task that has ended without the person was ended by a call before this one.
  const next = seen.find((id) => open.some((task) => task.id === id) || isEnded(id));
  if (next !== undefined) return next;
  const own = open.find(({ id }) => !isAdded(id));
  return own?.id ?? (seen.length === 0 ? (current?.id ?? null) : null);
}

/** The model's own change. */
export function noteChange(state: RunState, plan: Plan): void {
  if (dueTask(plan) !== null) state.isFormerPlan = false;
}

/**
 * Whether a person has added work that the model has not seen. The run then continues, unless this was its last step.
 */
export function hasUnseenWork({ plan, ports, steps, input }: RunState): boolean {
  return steps < input.max_steps && openTasks(plan).length > 0 && ports.readUnseenEdits() !== null;
}

/**
 * Sends back a completion without evidence, once for each task. The same call again is accepted only in a later message:
 * the model has to have read why.
 */
export function challengeChange(state: RunState, changed: Plan): Challenge | null {
  if (state.input.agent.evidence !== "challenge") return null;
  const { rows } = state.conversation;
  const since = rows.slice(rows.findLastIndex(({ role }) => role === "assistant") + 1);
  const unread = since.flatMap((row) => (row.role === "tool" && isChallenge(row.content) ? [row.content] : []));
  return challengeCompletion(state.plan, changed, state.ports.readLedger(), unread);
}
