// MODEL_PRICES: what the operator says that models cost, in US dollars for a million tokens. By the name with which runs
// name the model, `server/model` or `model`, or a pattern of it.
import { z } from "zod";
import type { Price } from "../protocol/money/price.ts";
import { problem, readObject } from "./model-servers.ts";
import { literalLength, matchesName } from "./name-pattern.ts";

export interface PriceRule {
  pattern: string;
  price: Price;
}

/** As many as a variable of 5 KB, Cloudflare's limit, has room for. */
const MAX_PRICES = 200;
/** Ten times what the dearest model has cost. */
const MAX_RATE = 10_000;

const said = `must be a number from 0 to ${MAX_RATE}`;
const rate = z.number(said).min(0, said).max(MAX_RATE, said);
const rates = z.strictObject({
  input: rate,
  cached_input: rate.optional(),
  cache_write: rate.optional(),
  output: rate,
});
const entry = z.union([rate, rates]);
const pattern = /^[^\s\p{C}]{1,200}$/u;

export function readModelPrices(given: unknown): PriceRule[] {
  const entries = Object.entries(readObject("MODEL_PRICES", given) ?? {});
  if (entries.length > MAX_PRICES) throw problem("MODEL_PRICES", `may have ${MAX_PRICES} names at most`);
  return entries.map(([name, value], place) => {
    // What is pasted in a wrong place may be a key, so a name is not repeated.
    if (!pattern.test(name)) throw problem("MODEL_PRICES", `has no model's name at place ${place + 1}`);
    const read = entry.safeParse(value);
    if (!read.success) {
      const form = "a number, or input and output, and may have cached_input and cache_write, from 0 to";
      throw problem("MODEL_PRICES", `must have at place ${place + 1} ${form} ${MAX_RATE}`);
    }
    const price = read.data;
    return { pattern: name, price: typeof price === "number" ? { input: price, output: price } : toPrice(price) };
  });
}

function toPrice({ input, cached_input, cache_write, output }: z.infer<typeof rates>): Price {
  return {
    ...{ input, output },
    ...(cached_input === undefined ? {} : { cached_input }),
    ...(cache_write === undefined ? {} : { cache_write }),
  };
}

/** The name itself wins, then the pattern that says most of it, then the first. Case does not count. Null if none fits. */
export function findRule(rules: readonly PriceRule[], name: string): Price | null {
  const plain = name.toLowerCase();
  const fitting = rules.filter(({ pattern }) => matchesName(pattern.toLowerCase(), plain));
  const exactness = ({ pattern }: PriceRule) => (pattern.includes("*") ? literalLength(pattern) : Infinity);
  return fitting.sort((one, other) => exactness(other) - exactness(one))[0]?.price ?? null;
}
