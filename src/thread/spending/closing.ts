// Leases that D1 asks for, or that a thread gives back when it is removed.
import { type ClosedLease, nothing } from "../../protocol/money/lease.ts";
import { isTerminal } from "../../protocol/run.ts";
import { findRun, type Life } from "../life.ts";
import { readLeasedIds, readTakenRun } from "../rows/runs.ts";
import { closedOf } from "./given-back.ts";
import { runOfLease } from "./leases.ts";

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
