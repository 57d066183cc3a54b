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

/** A price for a million tokens is a thousandth of it in nanodollars for a token, times a million. */
const NANO_PER_TOKEN = 1_000;

/** The cost of what a provider counted, in nanodollars, rounded up. */
export function costOf(price: Price, count: Count): number {
  const { input_tokens, cached_input_tokens, output_tokens, cache_write_tokens = 0 } = count;
  const rates = ratesFor(price, input_tokens);
  const fresh = Math.max(0, input_tokens - cached_input_tokens - cache_write_tokens);
  const sum =
    fresh * rates.input +
    cached_input_tokens * (rates.cached_input ?? rates.input) +
    cache_write_tokens * (rates.cache_write ?? rates.input) +
    output_tokens * rates.output;
  return Math.ceil(roundDust(sum * NANO_PER_TOKEN));
}

/** The most that a call of so many tokens can cost, in nanodollars: nothing of it comes from a cache. */
export function worstCost(price: Price, input_tokens: number, output_tokens: number): number {
  const rates = ratesFor(price, input_tokens);
  const input = Math.max(rates.input, rates.cache_write ?? 0);
  return Math.ceil(roundDust((input_tokens * input + output_tokens * rates.output) * NANO_PER_TOKEN));
}

export function scalePrice({ long, ...rates }: Price, factor: number): Price {
  const scale = <Each extends Rates>(given: Each): Each => ({
    ...given,
    ...Object.fromEntries(
      rateNames.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name] * factor]])),
    ),
  });
  return { ...scale(rates), ...(long === undefined ? {} : { long: scale(long) }) };
}

const rateNames = ["input", "cached_input", "cache_write", "output"] as const satisfies (keyof Rates)[];

function ratesFor(price: Price, input_tokens: number): Rates {
  return price.long !== undefined && input_tokens > price.long.over ? price.long : price;
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
