// Leases in a run's hand. Those for the same scopes and periods are one pool: what is left of an older lease is spent
// together with the next one. A period that is over gives its leases back.
import { type Amount, type BudgetScope, type ClosedLease, type Lease, nothing } from "../../protocol/money/lease.ts";
import { amountOf } from "../usage/account.ts";
import { add, dimensions, fits, least, subtract } from "../usage/amounts.ts";
import type { Pool, RunSpending } from "../usage/state.ts";

/** Money, tokens and time are seldom spent at the same rate. Each lease is a hundred characters of the run's row. */
const MAX_LEASES = 8;

/** The name of a pool. The order of the scopes does not matter. */
export function periodsOf(scopes: Pick<BudgetScope, "scope" | "period">[]): string {
  return scopes
    .map(({ scope, period }) => `${scope}/${period}`)
    .sort()
    .join(" ");
}

/** What is left of the pool's leases beside what is spent and reserved. */
export function heldOf(spending: RunSpending, periods: string): Amount {
  const pool = spending.pools.find((each) => each.periods === periods);
  if (pool === undefined) return nothing;
  const granted = pool.leases.reduce((sum, { amount }) => add(sum, amount), nothing);
  const open = [spending.plan, ...spending.calls].filter((call) => call?.periods === periods);
  const reserved = open.reduce((sum, call) => (call === null ? sum : add(sum, amountOf(call))), nothing);
  return subtract(subtract(granted, pool.spent), reserved);
}

/**
 * Adds a lease to its pool. Without one in hand, it also pays for the time before it, and the first one may owe what the
 * run has used. `settled` is all of that.
 */
export function addLease(
  spending: RunSpending,
  { lease_id, amount, periods }: Lease,
  settled: Amount = nothing,
): RunSpending {
  const name = periodsOf(periods);
  const isKnown = spending.pools.some((pool) => pool.leases.some((lease) => lease.lease_id === lease_id));
  if (isKnown) return spending;
  const before = spending.asked_leases === 0 ? spending.worked_ms : spending.unleased_ms;
  const owed = spending.owes_before ? settled : nothing;
  const spent = spending.pools.length === 0 ? { ...owed, ms: before } : nothing;
  const former = spending.pools.find((pool) => pool.periods === name) ?? { periods: name, leases: [], spent };
  const pool = { ...former, leases: [...former.leases, { lease_id, amount }] };
  return {
    ...spending,
    unleased_ms: 0,
    owes_before: false,
    pools: [...spending.pools.filter((each) => each !== former), pool],
  };
}

/**
 * Gives back the leases of other periods, unless a call under way counts against them, and those that are spent. With
 * null, none are in use. `keep` is what has to stay in hand: what is given back is D1's only with the next batch.
 */
export function closeOver(spending: RunSpending, periods: string | null, keep = nothing): RunSpending {
  const isOver = (pool: Pool) =>
    pool.periods !== periods && !spending.calls.some((call) => call.periods === pool.periods);
  const over = spending.pools.filter(isOver);
  const left = spending.pools
    .filter((pool) => !isOver(pool))
    .map((pool) => takeOut(pool, heldOf(spending, pool.periods), keep));
  const closed = [...over.flatMap(divide), ...left.flatMap(({ taken }) => taken)];
  if (closed.length === 0) return spending;
  return { ...spending, pools: left.map(({ pool }) => pool), closed: [...spending.closed, ...closed] };
}

/** At the run's end, when nothing is reserved any more. `asked` is a lease that may have been granted to nobody. */
export function closeAll(spending: RunSpending, asked?: string): RunSpending {
  const unspent = asked === undefined ? [] : [{ lease_id: asked, spent: nothing }];
  const closed = [...spending.pools.flatMap(divide), ...unspent];
  return closed.length === 0 ? spending : { ...spending, pools: [], closed: [...spending.closed, ...closed] };
}

/** The oldest leases pay first. The last one has what was spent beyond all of them, which a provider may count. */
function divide({ leases, spent }: Pool): ClosedLease[] {
  let rest = spent;
  return leases.map(({ lease_id, amount }, place) => {
    const part = place === leases.length - 1 ? rest : least(amount, rest);
    rest = subtract(rest, part);
    return { lease_id, spent: part };
  });
}

/**
 * Takes leases out of a pool: those that are spent, and of too many the oldest also with what is left of them. `free` is
 * what nothing is reserved of, and `keep` what has to stay of it. The oldest pay first, so one of money alone may stay
 * before others of time that are spent.
 */
function takeOut(pool: Pool, free: Amount, keep: Amount): { pool: Pool; taken: ClosedLease[] } {
  const leases: Pool["leases"] = [];
  const taken: ClosedLease[] = [];
  let [rest, spent, room] = [pool.spent, pool.spent, free];
  for (const [place, lease] of pool.leases.entries()) {
    const part = least(lease.amount, rest);
    const left = subtract(lease.amount, part);
    const isTooMany = pool.leases.length - taken.length > MAX_LEASES && canSpare(left, room, keep);
    const isLast = place === pool.leases.length - 1;
    rest = subtract(rest, part);
    if (isLast || !(fits(lease.amount, part) || isTooMany)) {
      leases.push(lease);
      continue;
    }
    taken.push({ lease_id: lease.lease_id, spent: part });
    [spent, room] = [subtract(spent, part), subtract(room, left)];
  }
  return { pool: { ...pool, leases, spent }, taken };
}

function canSpare(left: Amount, room: Amount, keep: Amount): boolean {
  return dimensions.every((name) => left[name] === 0 || left[name] + keep[name] <= room[name]);
}

/** Whether another lease would be one too many. */
export function isFull(spending: RunSpending, periods: string): boolean {
  return (spending.pools.find((pool) => pool.periods === periods)?.leases.length ?? 0) >= MAX_LEASES;
}
