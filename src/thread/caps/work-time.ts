// Ends a run when a cap on its minutes is used up, also during a tool call. What counts is the time in which a life
// worked on it. A timer is set only where such a cap holds; the alarm looks too, in case the timer is late.
import type { Spending } from "../../agent/spending.ts";
import { logError } from "../../lib/log.ts";
import { isTerminal } from "../../protocol/run.ts";
import { countActive, type Life } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { accountOf } from "../usage/record.ts";
import { noteOwn } from "./budget-events.ts";
import { cappedIn, scopesOf } from "./leases.ts";
import { type Left, leftUnder } from "./limits.ts";
import { heldOf, periodsOf } from "./pools.ts";
import { timeOver } from "./refusal.ts";
import { openSpending } from "./spending.ts";

/**
 * Opens the run's spending and watches its time. `end` is called with how the run is to end. `stop` ends the watch.
 */
export function startCapped(
  life: Life,
  record: RunRecord,
  signal: AbortSignal,
  end: (end: RequestedEnd) => void,
): { spending: Spending; stop: () => void } {
  let cancel = (): void => {};
  let isOver = false;
  const arm = (): void => {
    cancel();
    if (isOver || signal.aborted) return;
    countActive(life, record);
    const left = Math.min(...ownTimes(record).map((own) => own.left), leasedTime(life, record));
    if (left !== Number.POSITIVE_INFINITY) cancel = life.ports.clock.setTimer(look, Math.max(0, left));
  };
  const spending = openSpending(life, record, arm);
  const look = (): void => {
    if (isOver || signal.aborted) return;
    countActive(life, record);
    const over = findTimeOver(record);
    if (over !== null) end(over);
    else if (leasedTime(life, record) > 0) arm();
    else life.platform.waitUntil(lease().catch((error: unknown) => logError("time_not_leased", error, {})));
  };
  const lease = async (): Promise<void> => {
    const refused = await spending.holdTime(signal);
    if (isOver || signal.aborted) return;
    if (refused === null) arm();
    else end({ status: "failed", error: refused });
  };
  arm();
  return {
    spending,
    stop: () => {
      isOver = true;
      cancel();
    },
  };
}

/** How the run ends if its time is used up; null while there is some. Inside no transaction. */
export function findTimeOver(record: RunRecord): RequestedEnd | null {
  if (isTerminal(record.run.status)) return null;
  const over = ownTimes(record).find(({ left }) => left <= 0);
  if (over === undefined) return null;
  record.spending = noteOwn(record.spending, "budget.reached", over, record.run);
  return { status: "failed", error: timeOver(over) };
}

/** Whether a cap counts the run's minutes. */
export function hasTimeCap(life: Life, record: RunRecord): boolean {
  if (record.spending.pools.length > 0 && cappedIn(scopesOf(life, record)).has("ms")) return true;
  return leftUnder(accountOf(record)).some(({ dimension }) => dimension === "ms");
}

/** A run that asks for more does so between its steps. */
function ownTimes(record: RunRecord): Left[] {
  if (record.agent.config.on_cap === "ask") return [];
  return leftUnder(accountOf(record)).filter(({ dimension }) => dimension === "ms");
}

/** What is left of leases of time. Without a lease, the next call asks for one. */
function leasedTime(life: Life, record: RunRecord): number {
  if (record.spending.pools.length === 0) return Number.POSITIVE_INFINITY;
  const scopes = scopesOf(life, record);
  return cappedIn(scopes).has("ms") ? heldOf(record.spending, periodsOf(scopes)).ms : Number.POSITIVE_INFINITY;
}
