// The port `Spending` of a run that no cap bounds, and what runs under caps share with it. A call is reserved in memory,
// and stored only if what the row has does not cover it: mostly it does, through the plan that the fact before was
// stored with.
import type { CountedUsage, PlannedCall, Spending } from "../../agent/spending.ts";
import type { UsageSoFar } from "../../protocol/event.ts";
import { costOf, type Price, toNano, worstCost } from "../../protocol/money/price.ts";
import { isTerminal } from "../../protocol/run.ts";
import { countActive, type Life, storeHeld, storeRun, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { type Account, plan, release, reserve, settle, settleEstimated } from "./account.ts";
import { accountOf, isCovered, reservedCalls, setAccount } from "./record.ts";
import type { Reservation } from "./state.ts";

/** A call, as far as its size decides what it may cost. */
export interface CallSize {
  input_tokens: number;
  output_tokens: number;
  price: Price | null;
}

export interface Counting extends Spending {
  /** Reserves a call with the longest reply that it may have, under the pool of leases that pays for it. Returns its id. */
  grant(size: CallSize, output_tokens: number, periods?: string): string;
}

export function openCounting(life: Life, record: RunRecord): Counting {
  const prices = new Map<string, Price | null>();
  const change = (by: (account: Account) => Account): void => {
    // A call that outlives its run was charged at the run's end.
    if (!isTerminal(record.run.status)) setAccount(record, by(accountOf(record)));
  };
  const grant = (size: CallSize, output_tokens: number, periods?: string): string => {
    const call_id = `call_${record.spending.made + 1}`;
    prices.set(call_id, size.price);
    setAccount(record, reserve(accountOf(record), newReservation(call_id, size, output_tokens, periods)));
    if (!isCovered(record)) transact(life, () => storeRun(life, record));
    return call_id;
  };
  return {
    grant,
    reserve: async (call, signal) => {
      storeHeld(life);
      if (signal.aborted || isTerminal(record.run.status)) return { kind: "cancelled" };
      countActive(life, record);
      const size = sizeOf(life, call);
      return { kind: "granted", call_id: grant(size, size.output_tokens), max_output_tokens: null };
    },
    settle: (call_id, usage) => {
      change((account) => {
        if (usage === null) return settleEstimated(account, call_id);
        return settle(account, call_id, usage, costOfCall(usage, prices.get(call_id) ?? null));
      });
      tellUsage(life, record);
    },
    giveUp: (call_id, is_charged) => {
      change((account) => (is_charged ? settleEstimated(account, call_id) : release(account, call_id)));
      if (is_charged) tellUsage(life, record);
    },
    expect: (call) => planCall(life, record, call),
  };
}

/** Plans the next call. What is stored with it covers it. */
export function planCall(life: Life, record: RunRecord, call: PlannedCall | null): void {
  if (isTerminal(record.run.status)) return;
  const size = call === null ? null : sizeOf(life, call);
  const planned = size === null ? null : newReservation("planned", size, size.output_tokens);
  setAccount(record, plan(accountOf(record), planned));
}

export function sizeOf(
  { ports }: Life,
  { model, input_tokens, images = [], output_tokens, extra_body }: PlannedCall,
): CallSize {
  const shown = images.reduce((sum, image) => sum + ports.imageTokens(model, image), 0);
  return { input_tokens: input_tokens + shown, output_tokens, price: ports.priceOf(model, extra_body) };
}

export function newReservation(
  call_id: string,
  { input_tokens: input, price }: CallSize,
  output: number,
  periods?: string,
): Reservation {
  const cost = price === null ? null : worstCost(price, input, output);
  return { call_id, input, output, cost, ...(periods === undefined ? {} : { periods }) };
}

/** A provider that says what it charges knows best. */
function costOfCall(usage: CountedUsage, price: Price | null): number | null {
  if (usage.cost_usd !== null) return toNano(usage.cost_usd);
  return price === null ? null : costOf(price, usage);
}

/** Tells readers what the run has used, and what its calls under way may use. Nobody waits for it; it is not stored. */
export function tellUsage(life: Life, record: RunRecord): void {
  if (isTerminal(record.run.status)) return;
  const { invocation_id, usage: used } = record.run;
  const { estimated, ...counted } = used;
  const reserved = reservedCalls(record.spending);
  const value: UsageSoFar = {
    invocation_id,
    usage: { ...withKnownCost(counted), ...(estimated && { estimated: withKnownCost(estimated) }) },
    ...(reserved && { reserved: withKnownCost(reserved) }),
  };
  life.journal.addEphemeral({ type: "CUSTOM", name: "usage", value });
}

function withKnownCost<Counts extends { cost_usd: number | null }>({ cost_usd, ...counts }: Counts) {
  return { ...counts, ...(cost_usd === null ? {} : { cost_usd }) };
}
