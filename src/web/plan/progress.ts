// The progress of a plan. Cancelled tasks don't count.
import type { PlanState } from "../../protocol/plan/task.ts";
import type { Conversation } from "../client/conversation.ts";
import { isSilentTool } from "../client/tool-title.ts";

type Task = PlanState["sections"][number]["tasks"][number];

export interface Progress {
  done: number;
  total: number;
  /** The task in progress, else the next one; null where none is left. */
  current: Task | null;
}

/**
 * The task that a call which is still being written will start: the server starts it when the call is made, and a large
 * file is written for longer than it is stored. Null where a task is in progress, or nothing is being written for one.
 */
export function findBegun({ items, run, state }: Pick<Conversation, "items" | "run" | "state">): string | null {
  const last = items.at(-1);
  const writes = run.state === "running" && last?.kind === "tool" && last.open && !isSilentTool(last.name);
  const { current } = progressOf(state.plan);
  return writes && current?.status === "pending" ? current.id : null;
}

/** The plan with that task in progress. */
export function withBegun(plan: PlanState, begun: string | null): PlanState {
  if (begun === null) return plan;
  const sections = plan.sections.map((section) => {
    if (!section.tasks.some(({ id }) => id === begun)) return section;
    const tasks = section.tasks.map((task) => (task.id === begun ? { ...task, status: "in_progress" as const } : task));
    return { ...section, tasks };
  });
  return { ...plan, sections };
}

export function progressOf({ sections }: PlanState): Progress {
  const tasks = sections.flatMap((section) => section.tasks).filter(({ status }) => status !== "cancelled");
  const current =
    tasks.find(({ status }) => status === "in_progress") ?? tasks.find(({ status }) => status === "pending") ?? null;
  return { done: tasks.filter(({ status }) => status === "completed").length, total: tasks.length, current };
}
