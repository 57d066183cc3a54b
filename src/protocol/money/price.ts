// What a model's tokens cost. Sums are made in whole nanodollars, so that any number of them adds up exactly.
import type { Usage } from "../run.ts";

/** In US dollars for a million tokens. */
export interface Price {
  input: number;
  /** Absent: cached tokens cost what others do. */
  cached_input?: number;
  /** What a provider charges for tokens that it puts into its cache. Absent: what others cost. */
  cache_write?: number;
  /** Reasoning is output. */
  output: number;
}

export const NANO = 1_000_000_000;

/** A price for a million tokens is a thousandth of it in nanodollars for a token, times a million. */
const NANO_PER_TOKEN = 1_000;

/** The cost of what a provider counted, in nanodollars, rounded up. */
export function costOf(
  price: Price,
  usage: Omit<Usage, "cost_usd" | "estimated"> & { cache_write_tokens?: number },
): number {
  const { input_tokens, cached_input_tokens, output_tokens, cache_write_tokens = 0 } = usage;
  const fresh = Math.max(0, input_tokens - cached_input_tokens - cache_write_tokens);
  const sum =
    fresh * price.input +
    cached_input_tokens * (price.cached_input ?? price.input) +
    cache_write_tokens * (price.cache_write ?? price.input) +
    output_tokens * price.output;
  return Math.ceil(roundDust(sum * NANO_PER_TOKEN));
}

/** The most that a call of so many tokens can cost, in nanodollars: nothing of it comes from a cache. */
export function worstCost(price: Price, input_tokens: number, output_tokens: number): number {
  const input = Math.max(price.input, price.cache_write ?? 0);
  return Math.ceil(roundDust((input_tokens * input + output_tokens * price.output) * NANO_PER_TOKEN));
}

/** Binary fractions leave dust (0.1 × 3) that rounding up would make a nanodollar of. */
function roundDust(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

export function toUsd(nano: number): number {
  return nano / NANO;
}

export function toNano(usd: number): number {
  return Math.round(usd * NANO);
}
