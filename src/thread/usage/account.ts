// The run's account: what its calls reserve, and what they settle. Pure; the caller stores it.
import { type Amount, nothing } from "../../protocol/money/lease.ts";
import { toNano, toUsd } from "../../protocol/money/price.ts";
import type { Usage } from "../../protocol/run.ts";
import { add } from "./amounts.ts";
import type { Reservation, RunSpending } from "./state.ts";

export interface Account {
  usage: Usage;
  spending: RunSpending;
}

/**
 * The next run of the thread may count the same request with the margin of what was never measured (1.5) where this one
 * knew better (1.1). A part of that is in the plan of its first call.
 */
const NEXT_RUN_MARGIN = 1.27;

/** What a call used: its provider's count, or its worst case. */
interface Count {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost: number | null;
}

export function reserve({ usage, spending }: Account, reservation: Reservation): Account {
  const calls = [...spending.calls, reservation];
  return { usage, spending: { ...spending, plan: null, calls, made: spending.made + 1 } };
}

export function plan({ usage, spending }: Account, reservation: Reservation | null): Account {
  return { usage, spending: { ...spending, plan: reservation } };
}

/** The call's provider has counted. `cost` is null if the model has no price. */
export function settle(account: Account, call_id: string, counted: Usage, cost: number | null): Account {
  const call = findCall(account, call_id);
  if (call === undefined) return account;
  const { input_tokens, cached_input_tokens, output_tokens } = counted;
  const count = { input_tokens, cached_input_tokens, output_tokens, cost };
  const size = Math.ceil(call.input * NEXT_RUN_MARGIN) + output_tokens;
  const charged = charge(account, call, count);
  return { ...charged, spending: { ...charged.spending, size } };
}

/** No count came: the call stays charged at its worst case. */
export function settleEstimated(account: Account, call_id: string): Account {
  const call = findCall(account, call_id);
  return call === undefined ? account : chargeWorst(account, call);
}

/** The server refused the call before it did any work. */
export function release({ usage, spending }: Account, call_id: string): Account {
  return { usage, spending: { ...spending, calls: without(spending, call_id) } };
}

/** At the run's end: calls under way stay charged. A plan is none, since this life knows that it made no call of it. */
export function settleAll(account: Account): Account {
  const settled = account.spending.calls.reduce(chargeWorst, account);
  return plan(settled, null);
}

/** For a life that finds what a former one left: its plan may have become a call. */
export function settleFormer(account: Account): Account {
  const { plan: planned } = account.spending;
  return settleAll(planned === null ? account : chargeWorst(account, planned));
}

export function work({ usage, spending }: Account, ms: number): Account {
  const whole = Math.max(0, Math.round(ms));
  const pools = spending.pools.map((pool, place) => {
    const isCurrent = place === spending.pools.length - 1;
    return isCurrent ? { ...pool, spent: add(pool.spent, { ...nothing, ms: whole }) } : pool;
  });
  const isUnleased = pools.length === 0 && spending.asked_leases > 0;
  const unleased_ms = spending.unleased_ms + (isUnleased ? whole : 0);
  return { usage, spending: { ...spending, worked_ms: spending.worked_ms + whole, unleased_ms, pools } };
}

/** Settled, in this run. */
export function settledOf({ usage, spending }: Account): Amount {
  return { cost: toNano(usage.cost_usd ?? 0), tokens: countTokens(usage), ms: spending.worked_ms };
}

export function reservedOf({ plan: planned, calls }: RunSpending): Amount {
  return [...(planned === null ? [] : [planned]), ...calls].reduce((sum, call) => add(sum, amountOf(call)), nothing);
}

/** What counts against the run's caps: with the runs that it resumes. */
export function usedOf(account: Account): Amount {
  return add(account.spending.before, settledOf(account));
}

export function amountOf({ input, output, cost }: Reservation): Amount {
  return { cost: cost ?? 0, tokens: input + output, ms: 0 };
}

/** Some providers leave cached tokens out of the input: then there are more of them than of the rest. */
export function countTokens(usage: Pick<Usage, "input_tokens" | "cached_input_tokens" | "output_tokens">): number {
  const { input_tokens, cached_input_tokens, output_tokens } = usage;
  const input = cached_input_tokens > input_tokens ? input_tokens + cached_input_tokens : input_tokens;
  return input + output_tokens;
}

function findCall({ spending }: Account, call_id: string): Reservation | undefined {
  return spending.calls.find((call) => call.call_id === call_id);
}

function without({ calls }: RunSpending, call_id: string): Reservation[] {
  return calls.filter((call) => call.call_id !== call_id);
}

function chargeWorst(account: Account, call: Reservation): Account {
  const { input: input_tokens, output: output_tokens, cost } = call;
  const charged = charge(account, call, { input_tokens, cached_input_tokens: 0, output_tokens, cost });
  const before = account.usage.estimated ?? { calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: null };
  const estimated = {
    calls: before.calls + 1,
    input_tokens: before.input_tokens + input_tokens,
    output_tokens: before.output_tokens + output_tokens,
    cost_usd: addCost(before.cost_usd, cost),
  };
  return { ...charged, usage: { ...charged.usage, estimated } };
}

function charge({ usage, spending }: Account, call: Reservation, count: Count): Account {
  const spent = { cost: count.cost ?? 0, tokens: countTokens(count), ms: 0 };
  const pools = spending.pools.map((pool) =>
    pool.periods === call.periods ? { ...pool, spent: add(pool.spent, spent) } : pool,
  );
  return {
    usage: {
      ...usage,
      input_tokens: usage.input_tokens + count.input_tokens,
      cached_input_tokens: usage.cached_input_tokens + count.cached_input_tokens,
      output_tokens: usage.output_tokens + count.output_tokens,
      cost_usd: addCost(usage.cost_usd, count.cost),
    },
    spending: { ...spending, calls: without(spending, call.call_id), pools },
  };
}

/** Sums are made in nanodollars, so that they are exact. */
function addCost(usd: number | null, nano: number | null): number | null {
  return nano === null ? usd : toUsd(toNano(usd ?? 0) + nano);
}
