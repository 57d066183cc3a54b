// Gets leases from D1 before a call that the ones in hand don't cover. The id of a lease is derived from the run and the
// lease's number, so a life that asks again after a crash gets the same lease. It is stored before it is spent.
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import {
  type Amount,
  type BudgetScope,
  type LeaseAnswer,
  type LeaseRequest,
  nothing,
} from "../../protocol/money/lease.ts";
import { type Life, storeRun, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { sleep, untilAborted } from "../sleep.ts";
import { settledOf } from "../usage/account.ts";
import { combine, type Dimension, fits, shortfall, times } from "../usage/amounts.ts";
import { accountOf } from "../usage/record.ts";
import type { Pool } from "../usage/state.ts";
import { warnOfShared } from "./budget-events.ts";
import { limitsOf } from "./limits.ts";
import { addLease, closeOver, heldOf, isFull, periodsOf } from "./pools.ts";

/** A lease is worth several calls, so that most calls ask nothing. */
const CALLS_PER_LEASE = 4;
/** As for other reads that a run waits for. */
const ANSWER_LIMIT_MS = 10_000;
/** How long a run waits for D1, or for what other runs hold, before it ends. */
const AWAY_LIMIT_MS = 60_000;
const FIRST_WAIT_MS = 1_000;
/** As long as a run's end waits for D1. What comes later is given back all the same. */
const GIVE_BACK_LIMIT_MS = 2_000;
/** Each is a lease that was closed before the run knew of it, or one of a period that is over. More come from no crash. */
const MAX_USELESS = 20;

export interface Need {
  /** Asked anew after a wait, since a day may end during it. */
  scopes: () => BudgetScope[];
  /** The call with the reply that is wanted, and with the shortest one. */
  need: Amount;
  least: Amount;
  /** The run works on meanwhile, as in a tool: it can't give back what it has in hand. */
  isWorking?: true;
}

export type Holding =
  /** At least `least` is in hand, in each dimension that has a cap. */
  | { kind: "held"; held: Amount; periods: string }
  | Extract<LeaseAnswer, { kind: "refused" }>
  | { kind: "away" }
  | { kind: "cancelled" };

export async function holdLease(life: Life, record: RunRecord, wanted: Need, signal: AbortSignal): Promise<Holding> {
  for (let useless = 0; useless < MAX_USELESS; useless++) {
    const scopes = wanted.scopes();
    const periods = periodsOf(scopes);
    const capped = cappedIn(scopes);
    record.spending = closeOver(record.spending, periods, wanted.least);
    const inHand = (): Holding => ({ kind: "held", held: heldOf(record.spending, periods), periods });
    const covers = (amount: Amount) => fits(amount, heldOf(record.spending, periods), capped);
    // Near a cap no lease covers the longest reply. One more for each call would crowd out those that pay for it.
    const isEnough = covers(wanted.need) || (isFull(record.spending, periods) && covers(wanted.least));
    if (isEnough) return inHand();
    const request = composeRequest(life, record, wanted, scopes);
    const hand = {
      canGoOn: covers(wanted.least),
      holdsAny: wanted.isWorking || record.spending.pools.some(isFree(record)),
    };
    // A cancel or D1's silence leaves it open; then the run's end gives it back.
    record.asked_lease = request.lease_id;
    const answer = await ask(life, request, hand, signal);
    if (answer.kind === "cancelled") return answer;
    // What is in hand is spent first, with a shorter reply.
    if (answer.kind === "refused" && answer.is_held && hand.holdsAny && !hand.canGoOn && !wanted.isWorking) {
      await giveBack(life, record);
      continue;
    }
    if (answer.kind === "away" || answer.kind === "refused") return covers(wanted.least) ? inHand() : answer;
    record.asked_lease = undefined;
    const { asked_leases } = record.spending;
    if (answer.kind === "granted") {
      const added = addLease(record.spending, answer.lease, settledOf(accountOf(record)));
      record.spending = { ...warnOfShared(added, answer.near, record.run), asked_leases: asked_leases + 1 };
      if (covers(wanted.least)) return inHand();
    } else record.spending = { ...record.spending, asked_leases: asked_leases + 1 };
  }
  return { kind: "away" };
}

/** The dimensions in which any of the scopes has a cap. The others are only counted. */
export function cappedIn(scopes: BudgetScope[]): Set<Dimension> {
  return new Set(scopes.flatMap(({ caps }) => limitsOf(caps).map(({ dimension }) => dimension)));
}

/** The life before may have been granted the next lease, and ended before it was stored. */
export function noteFormerLease(life: Life, record: RunRecord): void {
  if (scopesOf(life, record).length === 0) return;
  record.asked_lease = leaseId(record.run.invocation_id, record.spending.asked_leases + 1);
}

export function scopesOf({ ports, thread }: Life, { spending, run }: RunRecord): BudgetScope[] {
  return ports.budgetScopes(spending.shared, thread.user_id, run.project_id, ports.clock.now());
}

function leaseId(invocation_id: string, place: number): string {
  return `lease_${place}_${invocation_id}`;
}

/** The run that a lease was granted to; null if the id is no lease's. */
export function runOfLease(lease_id: string): string | null {
  return /^lease_\d+_(.+)$/.exec(lease_id)?.[1] ?? null;
}

/**
 * What is left of other leases is spent too. Nothing is asked for where no cap holds. `need` is the whole call: by it D1
 * tells whether a cap is near.
 */
function composeRequest(life: Life, record: RunRecord, wanted: Need, scopes: BudgetScope[]): LeaseRequest {
  const capped = cappedIn(scopes);
  const only = ({ cost, tokens, ms }: Amount): Amount => ({
    cost: capped.has("cost") ? cost : 0,
    tokens: capped.has("tokens") ? tokens : 0,
    ms: capped.has("ms") ? ms : 0,
  });
  const need = only(wanted.need);
  const held = heldOf(record.spending, periodsOf(scopes));
  const { pools, closed, owes_before } = record.spending;
  const own = [...pools.flatMap(({ leases }) => leases), ...closed].map(({ lease_id }) => lease_id);
  const { user_id, thread_id, invocation_id } = record.run;
  return {
    user_id,
    thread_id,
    invocation_id,
    lease_id: leaseId(invocation_id, record.spending.asked_leases + 1),
    scopes,
    // What is owed has to be paid, also where nothing is left for a call.
    least: owes_before ? nothing : only(shortfall(wanted.least, held)),
    need,
    wanted: combine(need, only(shortfall(times(need, CALLS_PER_LEASE), held)), Math.max),
    ...(own.length === 0 ? {} : { own_leases: own }),
    ...(owes_before ? { pays_before: true } : {}),
    now: life.ports.clock.now(),
  };
}

/** Whether no call under way counts against the pool. */
function isFree({ spending }: RunRecord): (pool: Pool) => boolean {
  return ({ periods }) => !spending.calls.some((call) => call.periods === periods);
}

/** What is left in hand is too little for this run. Another may use it, and this one waits for a whole call's worth. */
async function giveBack(life: Life, record: RunRecord): Promise<void> {
  record.spending = closeOver(record.spending, null);
  transact(life, () => storeRun(life, record));
  await life.outbox.syncWithin(GIVE_BACK_LIMIT_MS);
}

/**
 * Asks until D1 answers, with back-off. `canGoOn`: the run needs no answer, so it does not wait for one. It also waits
 * for what other runs hold, unless it holds leases that it can give back first: runs that wait for each other would all
 * end.
 */
async function ask(
  life: Life,
  request: LeaseRequest,
  { canGoOn, holdsAny }: { canGoOn: boolean; holdsAny: boolean },
  signal: AbortSignal,
): Promise<LeaseAnswer | { kind: "away" | "cancelled" }> {
  const { ports } = life;
  // Summed up, and not by a time of day: a clock may be set meanwhile.
  let left = AWAY_LIMIT_MS;
  let refused: LeaseAnswer | null = null;
  for (let wait = FIRST_WAIT_MS; ; wait *= 2) {
    const asked_at = ports.clock.now();
    try {
      const answer = await untilAborted(
        withinTime(ports.clock, ANSWER_LIMIT_MS, "D1", ports.grantLease(request)),
        signal,
      );
      if (answer === null) return { kind: "cancelled" };
      refused = answer.value.kind === "refused" && answer.value.is_held && !holdsAny ? answer.value : null;
      if (refused === null) return answer.value;
    } catch (error) {
      const { user_id, thread_id, invocation_id } = request;
      logWarning("lease_not_granted", { user_id, thread_id, invocation_id, error: describeError(error) });
    }
    left -= Math.min(ANSWER_LIMIT_MS, Math.max(0, ports.clock.now() - asked_at));
    if (canGoOn || left <= 0) return refused ?? { kind: "away" };
    const pause = Math.min(wait, left);
    left -= pause;
    await sleep(ports.clock, pause, signal);
    if (signal.aborted) return { kind: "cancelled" };
  }
}
