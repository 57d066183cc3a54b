// Arithmetic of amounts: whole nanodollars, tokens and milliseconds.
import { type CapName, type Caps, capNames } from "../../protocol/money/caps.ts";
import type { Amount } from "../../protocol/money/lease.ts";
import { toNano, toUsd } from "../../protocol/money/price.ts";

export const dimensions = ["cost", "tokens", "ms"] as const;
export type Dimension = (typeof dimensions)[number];

const dimensionOf: Record<CapName, Dimension> = { max_cost_usd: "cost", max_total_tokens: "tokens", max_minutes: "ms" };
const MINUTE_MS = 60_000;

export function add(one: Amount, other: Amount): Amount {
  return combine(one, other, (a, b) => a + b);
}

/** What is missing of `wanted`. */
export function shortfall(wanted: Amount, held: Amount): Amount {
  return combine(wanted, held, (a, b) => Math.max(0, a - b));
}

export function subtract(one: Amount, other: Amount): Amount {
  return combine(one, other, (a, b) => a - b);
}

export function least(one: Amount, other: Amount): Amount {
  return combine(one, other, Math.min);
}

export function times(amount: Amount, factor: number): Amount {
  return combine(amount, amount, (a) => a * factor);
}

export function combine(one: Amount, other: Amount, by: (a: number, b: number) => number): Amount {
  return { cost: by(one.cost, other.cost), tokens: by(one.tokens, other.tokens), ms: by(one.ms, other.ms) };
}

/** Whether `amount` is at most `room` in each of the dimensions. */
export function fits(amount: Amount, room: Amount, of: Iterable<Dimension> = dimensions): boolean {
  return [...of].every((dimension) => amount[dimension] <= room[dimension]);
}

export interface Limit {
  name: CapName;
  /** As the cap says it: dollars, tokens or minutes. */
  limit: number;
  dimension: Dimension;
  /** In the unit of amounts. */
  amount: number;
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
