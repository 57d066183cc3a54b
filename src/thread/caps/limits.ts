// What is left under each cap of a run, and how long a reply may be under it.
import { type CapName, type CapScope, type Caps, capNames } from "../../protocol/money/caps.ts";
import { toNano, toUsd, worstCost } from "../../protocol/money/price.ts";
import { type Account, reservedOf, usedOf } from "../usage/account.ts";
import { add, type Dimension } from "../usage/amounts.ts";
import type { CallSize } from "../usage/counting.ts";

/** A shorter reply is of no use. A call that wants a shorter one may have it. */
const LEAST_REPLY_TOKENS = 1_000;
const MINUTE_MS = 60_000;

const dimensionOf: Record<CapName, Dimension> = { max_cost_usd: "cost", max_total_tokens: "tokens", max_minutes: "ms" };

export interface Limit {
  name: CapName;
  /** As the cap says it: dollars, tokens or minutes. */
  limit: number;
  dimension: Dimension;
  /** In the unit of amounts. */
  amount: number;
}

export interface Left extends Limit {
  scope: CapScope;
  /** What was used and reserved of it, and what is left, in the unit of amounts. */
  used: number;
  left: number;
}

/** What is left under each of the run's own caps, from the run's to the trigger's. */
export function leftUnder(account: Account): Left[] {
  const used = add(usedOf(account), reservedOf(account.spending));
  return account.spending.caps.flatMap(({ scope, ...caps }) =>
    limitsOf(caps).map((limit) => {
      const of = used[limit.dimension];
      return { ...limit, scope, used: of, left: limit.amount - of };
    }),
  );
}

/**
 * The longest reply under each of `room`, and the cap that allows the least. Negative if not even the request fits.
 */
export function longestReply(
  call: CallSize,
  room: Pick<Left, "dimension" | "left">[],
): { tokens: number; place: number } {
  let lowest = { tokens: call.output_tokens, place: -1 };
  for (const [place, { dimension, left }] of room.entries()) {
    const tokens = replyUnder(call, dimension, left);
    if (tokens < lowest.tokens) lowest = { tokens, place };
  }
  return lowest;
}

/** The caps of a run that leave too little for the call. */
export function shortUnder(account: Account, call: CallSize): Left[] {
  const least = leastReply(call);
  return leftUnder(account).filter(({ dimension, left }) => replyUnder(call, dimension, left) < least);
}

/** Whether a call has room under the whole cap. */
export function fitsAlone({ dimension, amount }: Limit, call: CallSize): boolean {
  return replyUnder(call, dimension, amount) >= leastReply(call);
}

function replyUnder(
  { input_tokens, output_tokens, price }: CallSize,
  dimension: Limit["dimension"],
  left: number,
): number {
  if (dimension === "ms") return left > 0 ? output_tokens : -1;
  if (dimension === "tokens") return Math.min(output_tokens, left - input_tokens);
  if (price === null) return output_tokens;
  if (worstCost(price, input_tokens, output_tokens) <= left) return output_tokens;
  if (worstCost(price, input_tokens, 0) > left) return -1;
  let [fits, exceeds] = [0, output_tokens];
  while (exceeds - fits > 1) {
    const middle = Math.floor((fits + exceeds) / 2);
    if (worstCost(price, input_tokens, middle) <= left) fits = middle;
    else exceeds = middle;
  }
  return fits;
}

/** The shortest reply that a call is made for. */
export function leastReply({ output_tokens }: Pick<CallSize, "output_tokens">): number {
  return Math.min(LEAST_REPLY_TOKENS, output_tokens);
}

export function hasLimit(caps: Caps[], name: CapName): boolean {
  return caps.some((each) => each[name] != null);
}

/** The caps that are set. */
export function limitsOf(caps: Caps): Limit[] {
  return capNames.flatMap((name) => {
    const limit = caps[name];
    return limit == null ? [] : [{ name, limit, dimension: dimensionOf[name], amount: toAmount(name, limit) }];
  });
}

function toAmount(name: CapName, limit: number): number {
  if (name === "max_cost_usd") return toNano(limit);
  return name === "max_minutes" ? Math.round(limit * MINUTE_MS) : limit;
}

/** An amount in the unit of its cap. */
export function inUnitOf(name: CapName, amount: number): number {
  if (name === "max_cost_usd") return toUsd(amount);
  return name === "max_minutes" ? Math.round((amount / MINUTE_MS) * 100) / 100 : amount;
}
