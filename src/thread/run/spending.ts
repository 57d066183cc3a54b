// What a run's calls use: counted, and bounded only where a cap holds. A run without caps comes to nothing of `caps`.
import type { PlannedCall, Spending } from "../../agent/spending.ts";
import { giveBackLeases } from "../caps/closing.ts";
import { noteFormerLease } from "../caps/leases.ts";
import { expectCall as expectCapped } from "../caps/spending.ts";
import { findTimeOver, hasTimeCap, startCapped } from "../caps/work-time.ts";
import type { Life } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { settleAll, settleFormer } from "../usage/account.ts";
import { openCounting, planCall } from "../usage/counting.ts";
import { accountOf, setAccount } from "../usage/record.ts";

/** Whether a cap holds for the run's calls, or may. It stays so for a life. */
function isCapped({ ports, thread }: Life, { spending, run }: RunRecord): boolean {
  const { caps, shared, asked_leases } = spending;
  if (caps.length > 0 || shared.is_old === true || asked_leases > 0) return true;
  return ports.budgetScopes(shared, thread.user_id, run.project_id, ports.clock.now()).length > 0;
}

/** `end` is called with how the run is to end once its time is used up. `stop` ends that watch. */
export function startSpending(
  life: Life,
  record: RunRecord,
  signal: AbortSignal,
  end: (end: RequestedEnd) => void,
): { spending: Spending; stop: () => void } {
  if (isCapped(life, record)) return startCapped(life, record, signal, end);
  return { spending: openCounting(life, record), stop: () => {} };
}

/** The run's first call, before it starts. Inside the transaction that stores its start. */
export function expectFirstCall(life: Life, record: RunRecord, call: PlannedCall | null): void {
  const expect = isCapped(life, record) ? expectCapped : planCall;
  expect(life, record, call);
}

/** For a life that finds the run active: what a former life left reserved stays charged. Inside a transaction. */
export function continueSpending(life: Life, record: RunRecord): void {
  setAccount(record, settleFormer(accountOf(record)));
  if (isCapped(life, record)) noteFormerLease(life, record);
}

/** What an alarm looks at. `isTimed`: a cap counts its minutes. `over`: how it ends, as they are used up. */
export function checkTime(life: Life, record: RunRecord): { isTimed: boolean; over: RequestedEnd | null } {
  if (!isCapped(life, record)) return { isTimed: false, over: null };
  return { over: findTimeOver(record), isTimed: hasTimeCap(life, record) };
}

/** At the run's end, nothing stays reserved. */
export function endSpending(record: RunRecord): void {
  setAccount(record, settleAll(accountOf(record)));
  if (record.spending.pools.length > 0 || record.asked_lease !== undefined) giveBackLeases(record);
}
