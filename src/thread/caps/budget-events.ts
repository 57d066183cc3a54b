// What a run reports of its caps: a warning at four fifths, and that a cap was reached at a refusal. Each once.
import type { ReachedCap } from "../../protocol/money/caps.ts";
import type { NearCap } from "../../protocol/money/lease.ts";
import type { Run } from "../../protocol/run.ts";
import type { BudgetEvent } from "../../store/batch.ts";
import type { Account } from "../usage/account.ts";
import type { RunSpending } from "../usage/state.ts";
import { inUnitOf, type Left, leftUnder } from "./limits.ts";

const WARNING_SHARE = 0.8;

type Kind = BudgetEvent["event"];
type Noticing = Pick<Run, "invocation_id" | "project_id" | "hops">;

/** Warns of the run's own caps: of what was used, and not of what is reserved. */
export function warnOfOwn(account: Account, run: Noticing): RunSpending {
  const settled = { ...account, spending: { ...account.spending, plan: null, calls: [] } };
  const near = leftUnder(settled).filter(({ used, amount }) => used > 0 && used >= amount * WARNING_SHARE);
  return near.reduce((sum, left) => noteOwn(sum, "budget.warning", left, run), account.spending);
}

export function noteOwn(spending: RunSpending, event: Kind, left: Left, run: Noticing): RunSpending {
  return note(spending, event, capOf(left), inUnitOf(left.name, left.used), run);
}

export function warnOfShared(spending: RunSpending, near: NearCap[], run: Noticing): RunSpending {
  return near.reduce((sum, cap) => noteShared(sum, "budget.warning", cap, run), spending);
}

export function noteShared(spending: RunSpending, event: Kind, near: NearCap, run: Noticing): RunSpending {
  return note(spending, event, sharedCap(near), near.used, run);
}

/** What a user may know of a cap over many threads. */
export function sharedCap({ scope, name, period, limit }: NearCap): ReachedCap {
  const amount = scope === "deployment" ? {} : { limit };
  return { scope, name, ...amount, ...(scope === "project" ? {} : { period }) };
}

export function capOf({ scope, name, limit }: Left): ReachedCap {
  return { scope, name, limit };
}

function note(spending: RunSpending, event: Kind, cap: ReachedCap, used: number, run: Noticing): RunSpending {
  // A raised cap is another one.
  const key = [event, cap.scope, cap.name, cap.period ?? cap.limit ?? ""].join(" ");
  if (spending.noted.includes(key)) return spending;
  const { invocation_id, project_id, hops } = run;
  const id = cap.scope === "project" ? project_id : "";
  const noted: BudgetEvent = { event, id, cap, used, invocation_id, hops };
  return { ...spending, events: [...spending.events, noted], noted: [...spending.noted, key] };
}
