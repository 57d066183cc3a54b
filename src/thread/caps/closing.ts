// Leases that a run gives back at its end, or its thread when it is removed, and those that D1 asks for. An ended run's go
// to D1 with its row; if that is lost, the sweep asks for leases by their ids.
import { type ClosedLease, nothing } from "../../protocol/money/lease.ts";
import { isTerminal } from "../../protocol/run.ts";
import { findRun, type Life } from "../life.ts";
import { readLeasedIds, readTakenRun } from "../rows/runs.ts";
import { settleFormer } from "../usage/account.ts";
import { accountOf, type SpendingRecord } from "../usage/record.ts";
import { runOfLease } from "./leases.ts";
import { closeAll } from "./pools.ts";

/** At the run's end, when nothing is reserved any more. */
export function giveBackLeases(record: SpendingRecord): void {
  record.spending = closeAll(record.spending, record.asked_lease);
  record.asked_lease = undefined;
}

/**
 * What was spent of those leases whose run is over. A run that is over and does not know a lease never stored it, so it
 * spent nothing of it. A live run may still be asking for it.
 */
export function closeLeases(life: Life, lease_ids: string[]): ClosedLease[] {
  return lease_ids.flatMap((lease_id) => {
    const invocation_id = runOfLease(lease_id);
    if (invocation_id === null) return [];
    const record = life.live.get(invocation_id) ?? readTakenRun(life.database.sql, invocation_id);
    const unspent = { lease_id, spent: nothing };
    if (record === null) return [unspent];
    // It may have spent it: then all of it counts as spent.
    if (record === "damaged") return [];
    if (!isTerminal(record.run.status)) return [];
    return [closedOf(record).find((closed) => closed.lease_id === lease_id) ?? unspent];
  });
}

/** For a thread that is removed: its runs have ended, or are ended by that. `unread_runs` can't say what they spent. */
export function closeAllLeases(life: Life): { leases: ClosedLease[]; unread_runs: string[] } {
  const ids = [...new Set([...readLeasedIds(life.database.sql), ...life.live.keys()])];
  const records = ids.map((id) => ({ id, record: findRun(life, id) }));
  return {
    leases: records.flatMap(({ record }) => (record === null ? [] : closedOf(record))),
    unread_runs: records.flatMap(({ id, record }) => (record === null ? [id] : [])),
  };
}

/** Whatever is reserved counts as spent. */
function closedOf(record: SpendingRecord): ClosedLease[] {
  return closeAll(settleFormer(accountOf(record)).spending, record.asked_lease).closed;
}
