// What is spent of a cap that holds for many runs, as its user sees it.
import type { CapName } from "./caps.ts";
import type { BudgetScope } from "./lease.ts";

export interface SpentCap {
  scope: BudgetScope["scope"];
  name: CapName;
  /** In the cap's own unit, as `used` and `reserved`. */
  limit: number;
  used: number;
  /** What runs at work hold besides. They may have spent a part of it. */
  reserved: number;
  /** `2026-11-28` or `2026-11`; null for a cap that never begins anew. */
  period: string | null;
  resets_at: string | null;
}

/** When the day or month after `period` begins in UTC; null for `all`. */
export function startOfNext(period: string): string | null {
  const [year, month, day] = period.split("-").map(Number);
  if (year === undefined || month === undefined || Number.isNaN(year)) return null;
  return new Date(day === undefined ? Date.UTC(year, month) : Date.UTC(year, month - 1, day + 1)).toISOString();
}
