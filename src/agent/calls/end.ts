import type { Task } from "../../protocol/plan/task.ts";
import type { Interrupt } from "../../protocol/run.ts";

/** How the calls of a message ended. The first field that is set decides what happens to the run. */
export interface CallsEnd {
  cancelled: boolean;
  fatal: { code: "sandbox_error"; message: string } | null;
  interrupts: Interrupt[];
  complete: string | null;
  pending_tool_call_ids: string[];
  /** How many calls of tools for work succeeded, and how many calls changed the plan. */
  worked: number;
  plan_changes: number;
  /** A check of a task that the message completes has failed. Calls after it depend on what is not done. */
  check_failed: boolean;
  /** Tasks that have ended as failed. */
  gave_up: Task[];
}

/** Whether the run may continue after these calls. */
export function goesOn({ cancelled, fatal, interrupts, complete, pending_tool_call_ids }: CallsEnd): boolean {
  const waits = interrupts.length > 0 || pending_tool_call_ids.length > 0;
  return !cancelled && fatal === null && complete === null && !waits;
}
