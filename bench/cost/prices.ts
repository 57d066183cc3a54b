// What Cloudflare charges beyond what its Paid plan includes. https://developers.cloudflare.com/workers/platform/pricing/,
// …/durable-objects/platform/pricing/, …/d1/platform/pricing/, …/queues/platform/pricing/

/** The day on which these list prices were read. */
export const PRICES_OF = "2026-11-28";

/** What is billed for one use of the product. */
export interface Bill {
  worker_requests: number;
  object_requests: number;
  /** GB-seconds in which objects were awake. */
  object_gb_s: number;
  object_rows_written: number;
  object_rows_read: number;
  d1_rows_written: number;
  d1_rows_read: number;
  queue_operations: number;
  /** Lines that the code writes. wrangler.toml keeps none of the platform's own for each call. */
  log_events: number;
}

export type BillName = keyof Bill;

interface BilledUnit {
  title: string;
  /** In US dollars for a million. */
  price: number;
  /** A month. */
  included: number;
}

// The Worker's CPU is left out: $0.02 for a million ms, and a turn takes less than 10 ms of it.
export const units: Record<BillName, BilledUnit> = {
  worker_requests: { title: "Worker requests", price: 0.3, included: 10_000_000 },
  object_requests: { title: "object requests", price: 0.15, included: 1_000_000 },
  object_gb_s: { title: "object GB-s", price: 12.5, included: 400_000 },
  object_rows_written: { title: "object rows written", price: 1, included: 50_000_000 },
  object_rows_read: { title: "object rows read", price: 0.001, included: 25_000_000_000 },
  d1_rows_written: { title: "D1 rows written", price: 1, included: 50_000_000 },
  d1_rows_read: { title: "D1 rows read", price: 0.001, included: 25_000_000_000 },
  queue_operations: { title: "queue operations", price: 0.4, included: 1_000_000 },
  log_events: { title: "log events", price: 0.6, included: 20_000_000 },
};

export const billNames = Object.keys(units) as BillName[];

/** An object is billed for 128 MB, whatever it uses. */
export const OBJECT_GB = 0.128;

/** In US dollars, without what a plan includes. */
export function totalOf(bill: Bill): number {
  return billNames.reduce((sum, name) => sum + (bill[name] * units[name].price) / 1_000_000, 0);
}
