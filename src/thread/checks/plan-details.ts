// The plan with what was done for its tasks, or with what the server saw of them.
import { withoutNumbers } from "../../agent/plan/numbers.ts";
import type { PlanDetails, PlanWithDetails } from "../../protocol/plan/details.ts";
import type { Life } from "../life.ts";
import { readPlacedReceipts } from "../rows/receipts.ts";
import { readLedger } from "../run/ledger.ts";

/** `most`: characters of receipts. What does not fit is said, and the caller may ask for more. */
export function readPlanDetails(life: Life, include: PlanDetails, most?: number): PlanWithDetails {
  const plan = withoutNumbers(life.state.plan);
  if (include === "ledger") return { plan, ledger: readLedger(life) };
  const { placed, is_cut } = readPlacedReceipts(life.database.sql, most);
  const seen = {
    ...{ plan, ledger: {} },
    receipts: placed.map(({ receipt }) => receipt),
    ...(is_cut && { is_cut }),
  };
  if (life.project === null) return seen;
  const { commit, file, pending } = life.project;
  return { ...seen, project_checks: { commit, file, pending } };
}
