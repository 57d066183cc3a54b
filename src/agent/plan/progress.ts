// Whether steps lead anywhere. A model that goes in circles in ever other words is not stopped by the guard against equal
// calls; what it does is measured here: a step is fruitful where work succeeded, where a task ended, or where the plan is
// made. A plan that grows and shrinks by turns is neither made nor done, so only an end that leaves fewer tasks open than
// there were since the last fruit counts. First the model is told, then the run ends and says what is unfinished. All pure.

/** Failing five times in a row happens on the way to a solution; beyond that the way itself is wrong. */
const FRUITLESS_UNTIL_TOLD = 5;
const FRUITLESS_UNTIL_END = 15;
/** A plan may be made in pieces, a section a step. */
const MOST_PLANNING = 10;
/** A few calls may still look whether all is well. */
const AFTER_PLAN_UNTIL_TOLD = 3;
const AFTER_PLAN_UNTIL_END = 8;
/** Two calls may be what one question takes. */
const UNPLANNED_UNTIL_TOLD = 3;

export interface Progress {
  /** Fruitless steps in a row. */
  fruitless: number;
  /** Steps that added tasks since work last succeeded. */
  planning: number;
  /** The fewest tasks that were open since the last fruitful step; null before the first step. */
  least_open: number | null;
  /** Steps since the last task of the plan ended by this run. */
  after_plan: number;
  /** Steps with work in a thread without a plan. */
  unplanned: number;
}

export const noProgress: Progress = { fruitless: 0, planning: 0, least_open: null, after_plan: 0, unplanned: 0 };

/** What one step with calls did. */
export interface StepReport {
  /** Calls of tools for work that succeeded. */
  worked: number;
  /** Calls that changed the plan. */
  plan_changes: number;
  /** Tasks that were open before, and that are now. */
  open_before: number;
  open_after: number;
  tasks_before: number;
  tasks_after: number;
  /** Whether all tasks had ended before, by this run. */
  was_over: boolean;
}

export interface StepVerdict {
  progress: Progress;
  /** Say this to the model. */
  nudge: string | null;
  hasEndedTask: boolean;
  /** The run ends here, for this reason. */
  end: "fruitless" | "finished" | null;
}

export function judgeStep(before: Progress, report: StepReport): StepVerdict {
  const { worked, open_before, open_after, tasks_before, tasks_after, was_over } = report;
  const adds = tasks_after > tasks_before && open_after > open_before;
  const least = (worked > 0 ? null : before.least_open) ?? open_before;
  const hasEndedTask = tasks_after >= tasks_before && open_after < least;
  const isFruitful = worked > 0 || hasEndedTask || (adds && before.planning < MOST_PLANNING);
  const progress = {
    fruitless: isFruitful ? 0 : before.fruitless + 1,
    planning: worked > 0 ? 0 : before.planning + (adds ? 1 : 0),
    least_open: isFruitful ? open_after : Math.min(least, open_after),
    after_plan: was_over && open_after === 0 && tasks_after > 0 ? before.after_plan + 1 : 0,
    unplanned: tasks_after === 0 && worked > 0 ? before.unplanned + 1 : before.unplanned,
  };
  const verdict = { progress, hasEndedTask, nudge: null };
  if (progress.fruitless >= FRUITLESS_UNTIL_END) return { ...verdict, end: "fruitless" };
  if (progress.after_plan >= AFTER_PLAN_UNTIL_END) return { ...verdict, end: "finished" };
  return { ...verdict, nudge: describe(before, progress, report), end: null };
}

function describe(before: Progress, now: Progress, report: StepReport): string | null {
  if (now.fruitless >= FRUITLESS_UNTIL_TOLD) return describeFruitless(now.fruitless, report);
  if (now.after_plan >= AFTER_PLAN_UNTIL_TOLD) return finish;
  // Once: a person may want work without a plan, and the model may know that.
  const isUnplanned = now.unplanned === UNPLANNED_UNTIL_TOLD && before.unplanned < UNPLANNED_UNTIL_TOLD;
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

/** What the person reads where the loop ended the run in the model's place. */
export function describeEnd(end: NonNullable<StepVerdict["end"]>, unfinished: number, chinese: boolean): string {
  if (end === "finished") return chinese ? "所有任务都已结束。" : "All tasks have ended.";
  if (chinese)
    return `我停下了：连续 ${FRUITLESS_UNTIL_END} 步没有任何进展。${unfinished > 0 ? `还有 ${unfinished} 项任务未完成。` : ""}`;
  const stopped = `I stopped here: ${FRUITLESS_UNTIL_END} steps in a row led to nothing.`;
  if (unfinished === 0) return stopped;
  return `${stopped} ${unfinished === 1 ? "1 task is" : `${unfinished} tasks are`} unfinished.`;
}
