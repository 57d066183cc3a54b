import type { Interrupt } from "../../protocol/run.ts";

/** How the calls of a message ended; the first that is set decides what becomes of the run. */
export interface CallsEnd {
  cancelled: boolean;
  fatal: { code: "sandbox_error"; message: string } | null;
  interrupts: Interrupt[];
  complete: string | null;
  pending_tool_call_ids: string[];
  /** Calls of tools for work that succeeded, and calls that changed the plan. */
  worked: number;
  plan_changes: number;
}
