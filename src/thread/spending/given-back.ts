// Leases that runs give back, and the events of their caps. An ended run's go to D1 with its row; if that is lost, the
// sweep asks for leases by their ids.
import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { BudgetEvent } from "../../store/batch.ts";
import { settleAll, settleFormer } from "./account.ts";
import { closeAll } from "./pools.ts";
import { accountOf, type SpendingRecord, setAccount } from "./record.ts";

/** At the run's end: nothing stays reserved, and its leases are given back. */
export function endSpending(record: SpendingRecord): void {
  const settled = settleAll(accountOf(record));
  setAccount(record, { ...settled, spending: closeAll(settled.spending, record.asked_lease) });
  record.asked_lease = undefined;
}

/** Whatever is reserved counts as spent: also of a run that a version without leases has ended. */
export function closedOf(record: SpendingRecord): ClosedLease[] {
  return closeAll(settleFormer(accountOf(record)).spending, record.asked_lease).closed;
}

/** What a batch writes to D1 of runs. */
export function collectSpending(records: SpendingRecord[]): { leases?: ClosedLease[]; budget_events?: BudgetEvent[] } {
  const leases = records.flatMap(({ spending }) => spending.closed);
  const budget_events = records.flatMap(({ spending }) => spending.events);
  return { ...(leases.length > 0 ? { leases } : {}), ...(budget_events.length > 0 ? { budget_events } : {}) };
}

/** D1 has them. */
export function forgetSent(
  record: SpendingRecord,
  { leases = [], budget_events = [] }: { leases?: ClosedLease[]; budget_events?: BudgetEvent[] },
): void {
  const { closed, events } = record.spending;
  if (closed.length === 0 && events.length === 0) return;
  const isLeft =
    <Item>(sent: Item[]) =>
    (item: Item) =>
      !sent.includes(item);
  record.spending = {
    ...record.spending,
    closed: closed.filter(isLeft(leases)),
    events: events.filter(isLeft(budget_events)),
  };
}
