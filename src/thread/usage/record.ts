// The account in a run's record. The record is stored with the next fact, or by whoever changes it.
import { toUsd } from "../../protocol/money/price.ts";
import { isTerminal, type Run } from "../../protocol/run.ts";
import { type Account, work } from "./account.ts";
import type { Reservation, RunSpending } from "./state.ts";

/** The part of a run's record that is about money and time. */
export interface SpendingRecord {
  run: Run;
  spending: RunSpending;
  /** The account as the row has it. */
  stored: Account;
  /** The lease that D1 was asked for and may have granted without an answer. A later life asks for it again. */
  asked_lease?: string | undefined;
}

export function accountOf({ run: { usage }, spending }: Pick<SpendingRecord, "run" | "spending">): Account {
  return { usage, spending };
}

export function setAccount(record: SpendingRecord, { usage, spending }: Account): void {
  record.run.usage = usage;
  record.spending = spending;
}

/** Adds the time that a life has worked on the run. */
export function countWork(record: SpendingRecord, ms: number): void {
  setAccount(record, work(accountOf(record), ms));
  const { worked_ms } = record.spending;
  if (worked_ms > 0) record.run.worked_ms = worked_ms;
}

/**
 * Whether a life that ended now would leave enough in the row: then the next one charges at least what the calls under
 * way can use.
 */
export function isCovered({ stored, ...record }: SpendingRecord): boolean {
  const { usage, spending } = accountOf(record);
  // What was settled meanwhile has taken the place of what is stored.
  if (stored.usage !== usage || stored.spending.asked_leases !== spending.asked_leases) return false;
  const reserved = [...(stored.spending.plan === null ? [] : [stored.spending.plan]), ...stored.spending.calls];
  if (spending.calls.some((call) => reserved.some(({ periods }) => periods !== call.periods))) return false;
  const sums = (calls: Reservation[]) => [
    calls.reduce((sum, { input }) => sum + input, 0),
    calls.reduce((sum, { output }) => sum + output, 0),
    calls.reduce((sum, { cost }) => sum + (cost ?? 0), 0),
    calls.length,
  ];
  const kept = sums(reserved);
  return sums(spending.calls).every((sum, place) => sum <= (kept[place] ?? 0));
}

/** The run as a reader gets it while a call is under way. */
export function showReserved({ run, spending }: Pick<SpendingRecord, "run" | "spending">): Run {
  // A version without reservations may have ended it.
  const reserved = isTerminal(run.status) ? undefined : reservedCalls(spending);
  return reserved === undefined ? run : { ...run, reserved };
}

export function reservedCalls({ calls }: RunSpending): Run["reserved"] {
  if (calls.length === 0) return undefined;
  const costs = calls.flatMap(({ cost }) => cost ?? []);
  return {
    input_tokens: calls.reduce((sum, { input }) => sum + input, 0),
    output_tokens: calls.reduce((sum, { output }) => sum + output, 0),
    cost_usd: costs.length === 0 ? null : toUsd(costs.reduce((sum, cost) => sum + cost, 0)),
  };
}
