// Cloudflare's list prices of the paid plan, November 2026, in US dollars, with what $5 a month include.
import { type BillName, units } from "../cost/prices.ts";
import type { Usage } from "./usage.ts";

interface Price {
  /** For one. */
  each: number;
  included: number;
}

/** As the bill of a turn has it (bench/cost). */
const listed = (name: BillName): Price => ({ each: units[name].price / 1e6, included: units[name].included });

const prices: Record<keyof Usage, Price> = {
  worker_requests: listed("worker_requests"),
  cpu_ms: { each: 0.02 / 1e6, included: 30e6 },
  object_requests: listed("object_requests"),
  gb_seconds: listed("object_gb_s"),
  object_rows_written: listed("object_rows_written"),
  object_rows_read: listed("object_rows_read"),
  d1_rows_written: listed("d1_rows_written"),
  d1_rows_read: listed("d1_rows_read"),
  log_events: listed("log_events"),
  object_gb: { each: 0.2, included: 5 },
  d1_gb: { each: 0.75, included: 5 },
};

const PLAN = 5;

/** A month's bill. `part` picks what is counted; without it, all and the plan. */
export function priceOf(month: Usage, part?: (keyof Usage)[]): number {
  const names = part ?? (Object.keys(prices) as (keyof Usage)[]);
  const sum = names.reduce((usd, name) => {
    const { each, included } = prices[name];
    return usd + Math.max(0, month[name] - included) * each;
  }, 0);
  return part === undefined ? sum + PLAN : sum;
}
