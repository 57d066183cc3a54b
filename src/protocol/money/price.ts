// What a model's tokens cost. Sums are made in whole nanodollars, so that any number of them adds up exactly.

/** In US dollars for a million tokens. */
export interface Rates {
  input: number;
  /** Absent: cached tokens cost what others do. */
  cached_input?: number;
  /** What a provider charges for tokens that it puts into its cache. Absent: what others cost. */
  cache_write?: number;
  /** Reasoning is output. */
  output: number;
}

export interface Price extends Rates {
  /** What all tokens of a request cost whose input has more than `over` tokens. */
  long?: Rates & { over: number };
}

/** What `costOf` needs of a count. Cached tokens and those written to a cache are part of the input. */
export interface Count {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cache_write_tokens?: number;
}

export const NANO = 1_000_000_000;

/** A price for a million tokens, times a million: whole thousandths of a nanodollar for a token. */
const PARTS_PER_TOKEN = 1_000_000;
const PARTS_PER_NANO = 1_000;

/** The cost of what a provider counted, in nanodollars, rounded up. */
export function costOf(price: Price, count: Count): number {
  const { input_tokens, cached_input_tokens, output_tokens, cache_write_tokens = 0 } = count;
  const rates = ratesFor(price, input_tokens);
  const fresh = Math.max(0, input_tokens - cached_input_tokens - cache_write_tokens);
  const sum =
    fresh * partsOf(rates.input) +
    cached_input_tokens * partsOf(rates.cached_input ?? rates.input) +
    cache_write_tokens * partsOf(rates.cache_write ?? rates.input) +
    output_tokens * partsOf(rates.output);
  return Math.ceil(sum / PARTS_PER_NANO);
}

/** The most that a call of so many tokens can cost, in nanodollars: all of its input is of the dearest kind. */
export function worstCost(price: Price, input_tokens: number, output_tokens: number): number {
  const rates = ratesFor(price, input_tokens);
  const input = Math.max(rates.input, rates.cached_input ?? 0, rates.cache_write ?? 0);
  return Math.ceil((input_tokens * partsOf(input) + output_tokens * partsOf(rates.output)) / PARTS_PER_NANO);
}

function ratesFor(price: Price, input_tokens: number): Rates {
  return price.long !== undefined && input_tokens > price.long.over ? price.long : price;
}

/** Whole, since binary fractions leave dust (0.1 × 3) that rounding up would make a nanodollar of. */
function partsOf(rate: number): number {
  return Math.round(rate * PARTS_PER_TOKEN);
}

export function toUsd(nano: number): number {
  return nano / NANO;
}

export function toNano(usd: number): number {
  return Math.round(usd * NANO);
}
