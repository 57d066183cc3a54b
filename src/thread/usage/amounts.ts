// Arithmetic of amounts: whole nanodollars, tokens and milliseconds.
import type { Amount } from "../../protocol/money/lease.ts";

export const dimensions = ["cost", "tokens", "ms"] as const;
export type Dimension = (typeof dimensions)[number];

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
