// Leases that runs give back. An ended run's go to D1 with its row; if that is lost, the sweep asks for them by their ids.
import { type ClosedLease, nothing } from "../../protocol/money/lease.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { BudgetEvent } from "../../store/batch.ts";
import { findRun, type Life } from "../life.ts";
import { hasRun, readLeasedIds } from "../rows/runs.ts";
import { settleAll, settleFormer } from "./account.ts";
import { runOfLease } from "./leases.ts";
import { closeAll } from "./pools.ts";
import { accountOf, type SpendingRecord, setAccount } from "./record.ts";

/** At the run's end: nothing stays reserved, and its leases are given back. */
export function endSpending(record: SpendingRecord): void {
  const settled = settleAll(accountOf(record));
  setAccount(record, { ...settled, spending: closeAll(settled.spending) });
}

/**
 * What was spent of those leases whose run is over. A run that is over and does not know a lease never stored it, so it
 * spent nothing of it. A live run may still be asking for it.
 */
export function closeLeases(life: Life, lease_ids: string[]): ClosedLease[] {
  return lease_ids.flatMap((lease_id) => {
    const invocation_id = runOfLease(lease_id);
    if (invocation_id === null) return [];
    const record = findRun(life, invocation_id);
    const unspent = { lease_id, spent: nothing };
    // A damaged run may have spent it: then all of it counts as spent.
    if (record === null) return hasRun(life.database.sql, invocation_id) ? [] : [unspent];
    if (!isTerminal(record.run.status)) return [];
    return [closedOf(record).find((closed) => closed.lease_id === lease_id) ?? unspent];
  });
}

/** For a thread that is removed: its runs have ended, or are ended by that. */
export function closeAllLeases(life: Life): ClosedLease[] {
  const ids = new Set([...readLeasedIds(life.database.sql), ...life.live.keys()]);
  return [...ids].flatMap((id) => {
    const record = findRun(life, id);
    return record === null ? [] : closedOf(record);
  });
}

/** Whatever is reserved counts as spent: also of a run that a version without leases has ended. */
function closedOf(record: SpendingRecord): ClosedLease[] {
  return closeAll(settleFormer(accountOf(record)).spending).closed;
}

/** What a batch tells D1 of runs. */
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
