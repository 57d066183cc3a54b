// Quotas: how much of each thing a user may have or do, so that no user takes the others' share. One table, with the
// reason of each number. `docs/operating.md` is made from it.
import { z } from "zod";

export interface Quota {
  /** What people get without a setting. */
  usual: number;
  /** What is counted, for documents and refusals: `runs started in a minute`. */
  counts: string;
  /**
   * Where it is counted. `D1` and `object` are exact. `location`: by Cloudflare's rate limits, for each location and
   * approximately. `isolate`: in memory of each isolate of the Worker.
   */
  counted: "D1" | "object" | "location" | "isolate";
  /** Refused with 429 and `Retry-After`, since time helps; else with 409. */
  is_rate: boolean;
  /** Why this number. */
  reason: string;
}

export const quotas = {} as const satisfies Record<string, Quota>;

export type QuotaName = keyof typeof quotas & string;

const given = z.record(z.string(), z.number().min(0).max(1_000_000_000_000));
/** What differs for one user, or by setting. */
export type Quotas = z.infer<typeof given>;
