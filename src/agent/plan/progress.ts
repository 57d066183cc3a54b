// Decides whether steps make progress. A model that goes in circles with ever different calls gets past the guard
// against equal calls, so this measures results: a step is fruitful if work succeeded, a task ended, or the plan is
// being made. A plan that grows and shrinks in turns is neither made nor done, so ending a task counts only if it
// leaves fewer open tasks than there were since the last fruitful step. First the model gets a nudge; later the run
// ends and reports what is unfinished. All functions are pure.

/** Failing five times in a row can happen on the way to a solution. After more than that, the approach is wrong. */
const FRUITLESS_UNTIL_NUDGE = 5;
const FRUITLESS_UNTIL_END = 15;
/** A plan may be made in pieces, one section a step. */
const MAX_PLANNING_STEPS = 10;
/** A few calls may still check the result. */
const AFTER_PLAN_UNTIL_NUDGE = 3;
const AFTER_PLAN_UNTIL_END = 8;
/** One question may take two calls. */
const UNPLANNED_UNTIL_NUDGE = 3;

export interface Progress {
  /** Fruitless steps in a row. */
  fruitless: number;
  /** Steps that added tasks since work last succeeded. */
  planning: number;
  /** The smallest number of open tasks since the last fruitful step; null before the first step. */
  fewest_open: number | null;
  /** Steps since the plan's last task ended, if that happened in this run. */
  after_plan: number;
  /** Steps with work in a thread that has no plan. */
  unplanned: number;
}

export const noProgress: Progress = { fruitless: 0, planning: 0, fewest_open: null, after_plan: 0, unplanned: 0 };

/** What one step with calls did. */
export interface StepReport {
  /** Successful calls of tools for work. */
  worked: number;
  /** Calls that changed the plan. */
  plan_changes: number;
  /** Open tasks before and after the step. */
  open_before: number;
  open_after: number;
  tasks_before: number;
  tasks_after: number;
  /** Whether all tasks had ended before the step, in this run. */
  was_over: boolean;
}

export interface StepDecision {
  progress: Progress;
  /** Sent to the model with the next call. */
  nudge: string | null;
  hasEndedTask: boolean;
  /** The run ends here, for this reason. */
  end: "fruitless" | "finished" | null;
}

export function judgeStep(before: Progress, report: StepReport): StepDecision {
  const { worked, open_before, open_after, tasks_before, tasks_after, was_over } = report;
  const adds = tasks_after > tasks_before && open_after > open_before;
  const least = (worked > 0 ? null : before.fewest_open) ?? open_before;
  const hasEndedTask = tasks_after >= tasks_before && open_after < least;
  const isFruitful = worked > 0 || hasEndedTask || (adds && before.planning < MAX_PLANNING_STEPS);
  const progress = {
    fruitless: isFruitful ? 0 : before.fruitless + 1,
    planning: worked > 0 ? 0 : before.planning + (adds ? 1 : 0),
    fewest_open: isFruitful ? open_after : Math.min(least, open_after),
    after_plan: was_over && open_after === 0 && tasks_after > 0 ? before.after_plan + 1 : 0,
    unplanned: tasks_after === 0 && worked > 0 ? before.unplanned + 1 : before.unplanned,
  };
  const decision = { progress, hasEndedTask, nudge: null };
  if (progress.fruitless >= FRUITLESS_UNTIL_END) return { ...decision, end: "fruitless" };
  if (progress.after_plan >= AFTER_PLAN_UNTIL_END) return { ...decision, end: "finished" };
  return { ...decision, nudge: describe(before, progress, report), end: null };
}

function describe(before: Progress, now: Progress, report: StepReport): string | null {
  if (now.fruitless >= FRUITLESS_UNTIL_NUDGE) return describeFruitless(now.fruitless, report);
  if (now.after_plan >= AFTER_PLAN_UNTIL_NUDGE) return finish;
  // Only once: a person may want work without a plan, and the model may know that.
  const isUnplanned = now.unplanned === UNPLANNED_UNTIL_NUDGE && before.unplanned < UNPLANNED_UNTIL_NUDGE;
  return isUnplanned ? planFirst : null;
}

const finish =
  "All tasks have ended, and you are still calling tools. Stop now: tell the person what they have, and call complete. If something is really missing, add it with create_tasks first.";

const planFirst =
  "You are working without a task list. If there is more to do than one small thing, call create_tasks now with all that the request needs, then go on task by task.";

function describeFruitless(steps: number, { plan_changes }: StepReport): string {
  if (plan_changes > 0) {
    return `You have changed the task list for ${steps} steps in a row, and no work was done. Leave the list as it is and work on the task that is due; if it can't be done, set it to cancelled, or ask the person.`;
  }
  return `Nothing has come of the last ${steps} steps. Look at the errors above: try quite another way, set the task to cancelled if it can't be done, or ask the person.`;
}

/** What the person reads when the loop ends the run instead of the model. */
export function describeEnd(end: NonNullable<StepDecision["end"]>, unfinished: number, chinese: boolean): string {
  if (end === "finished") return chinese ? "所有任务都已结束。" : "All tasks have ended.";
  if (chinese)
    return `我停下了：连续 ${FRUITLESS_UNTIL_END} 步没有任何进展。${unfinished > 0 ? `还有 ${unfinished} 项任务未完成。` : ""}`;
  const stopped = `I stopped here: ${FRUITLESS_UNTIL_END} steps in a row led to nothing.`;
  if (unfinished === 0) return stopped;
  return `${stopped} ${unfinished === 1 ? "1 task is" : `${unfinished} tasks are`} unfinished.`;
}
