// Cloudflare's list prices of the paid plan, November 2026, in US dollars, with what $5 a month include.
import type { Usage } from "./usage.ts";

interface Price {
  /** For one. */
  each: number;
  included: number;
}

const perMillion = (usd: number, included: number): Price => ({ each: usd / 1e6, included });

const prices: Record<keyof Usage, Price> = {
  worker_requests: perMillion(0.3, 10e6),
  cpu_ms: perMillion(0.02, 30e6),
  object_requests: perMillion(0.15, 1e6),
  gb_seconds: perMillion(12.5, 400_000),
  object_rows_written: perMillion(1, 50e6),
  object_rows_read: perMillion(0.001, 25e9),
  d1_rows_written: perMillion(1, 50e6),
  d1_rows_read: perMillion(0.001, 25e9),
  log_events: perMillion(0.6, 20e6),
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
