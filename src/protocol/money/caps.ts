// Caps: how much may be spent, in money, tokens and working time. A cap on a run, an agent or a trigger holds for each
// run; a project's for all its runs together; a user's and the deployment's for a day or a month in UTC.
import { z } from "zod";

/** Far above what one run or team spends; a larger number is a typing error. */
const MAX_USD = 1_000_000;
const MAX_TOKENS = 1_000_000_000_000;
/** A year. */
const MAX_MINUTES = 525_600;

export const capNames = ["max_cost_usd", "max_total_tokens", "max_minutes"] as const;
export type CapName = (typeof capNames)[number];

/** Null and absent are no cap. 0 is a cap that nothing fits under. */
export const capFields = {
  /** In US dollars. */
  max_cost_usd: z.number().min(0).max(MAX_USD).nullable(),
  /** Input, cached input and output together, as the providers count them. */
  max_total_tokens: z.int().min(0).max(MAX_TOKENS).nullable(),
  /** Time in which the server works on it. A wait for a person's answer does not count. */
  max_minutes: z.number().min(0).max(MAX_MINUTES).nullable(),
};
const capsShape = z.strictObject(capFields).partial();
export type Caps = z.infer<typeof capsShape>;

/** For a user and the deployment. */
export const periodCaps = z.strictObject({ day: capsShape.nullable(), month: capsShape.nullable() }).partial();
export type PeriodCaps = z.infer<typeof periodCaps>;

export const capScopes = ["run", "agent", "trigger", "project", "user", "deployment"] as const;
export type CapScope = (typeof capScopes)[number];

/** The caps that one scope sets for a single run. */
export interface ScopedCaps extends Caps {
  scope: "run" | "agent" | "trigger";
}

/** The cap that ended a run, or that it came near to. */
export const reachedCap = z.object({
  scope: z.enum(capScopes),
  name: z.enum(capNames),
  /** Absent for the deployment's, which only the operator may know. */
  limit: z.number().optional(),
  /** `2026-11-28` or `2026-11`; absent for caps without a period. */
  period: z.string().optional(),
});
export type ReachedCap = z.infer<typeof reachedCap>;

/** Whether any of the caps is set. */
export function hasCap(caps: Caps | null | undefined): boolean {
  return caps != null && capNames.some((name) => caps[name] != null);
}
