// What `GET …/tasks?include=…` adds to a plan.
import type { ProjectChecksView, Receipt } from "./check.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./task.ts";

export const planDetails = ["ledger", "receipts"] as const;
export type PlanDetails = (typeof planDetails)[number];

export interface PlanWithDetails {
  plan: Plan;
  /** Empty if it was not asked for. */
  ledger: Ledger;
  /** The newest, the oldest of them first. Absent if they were not asked for. */
  receipts?: Receipt[];
  /** With receipts. Absent where the thread knows no checks of the project. */
  project_checks?: ProjectChecksView;
  /** There are more of the newest than were asked for. */
  is_cut?: boolean;
}
