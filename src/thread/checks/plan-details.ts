// The plan with what was done for its tasks, or with what the server saw of them.
import { withoutNumbers } from "../../agent/plan/numbers.ts";
import type { PlanDetails, PlanWithDetails } from "../../protocol/plan/details.ts";
import type { Life } from "../life.ts";
import { readReceipts } from "../rows/receipts.ts";
import { readLedger } from "../run/ledger.ts";

export function readPlanDetails(life: Life, include: PlanDetails): PlanWithDetails {
  const plan = withoutNumbers(life.state.plan);
  if (include === "ledger") return { plan, ledger: readLedger(life) };
  const receipts = readReceipts(life.database.sql);
  if (life.project === null) return { plan, ledger: {}, receipts };
  const { commit, file, pending } = life.project;
  return { plan, ledger: {}, receipts, project_checks: { commit, file, pending } };
}
