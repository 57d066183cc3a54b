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
  max_cost_usd: z.number().min(0).max(MAX_USD).nullable().describe("The maximum cost in US dollars."),
  max_total_tokens: z
    .int()
    .min(0)
    .max(MAX_TOKENS)
    .nullable()
    .describe("The maximum number of tokens: input, including cached input, and output, as the providers count them."),
  max_minutes: z
    .number()
    .min(0)
    .max(MAX_MINUTES)
    .nullable()
    .describe("The maximum number of minutes that the server works on it. Waits for a person's answer don't count."),
};
const capsShape = z.strictObject(capFields).partial();
/** Fields of a request. What they hold for is said where they are. */
export const givenCaps = capsShape.shape;
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

/** The caps among the fields of a request, null ones too; undefined if it has none. */
export function pickCaps(fields: Caps): Caps | undefined {
  const given = capNames.filter((name) => fields[name] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given.map((name) => [name, fields[name]]));
}

/** Null takes a cap away; what is absent stays. */
export function changeCaps(before: Caps | null | undefined, patch: Caps | undefined): Caps | undefined {
  const changed = { ...before, ...patch };
  const left = capNames.filter((name) => changed[name] != null);
  return left.length === 0 ? undefined : Object.fromEntries(left.map((name) => [name, changed[name]]));
}

/** As the API shows them, beside the other fields of what they hold for. */
export function showCaps(caps: Caps | null | undefined): Record<CapName, number | null> {
  const { max_cost_usd = null, max_total_tokens = null, max_minutes = null } = caps ?? {};
  return { max_cost_usd, max_total_tokens, max_minutes };
}

/** For a run's input: nothing if there is no cap. */
export function capsOf(scope: ScopedCaps["scope"], fields: Caps | undefined): { caps?: ScopedCaps[] } {
  const caps = changeCaps(fields, undefined);
  return caps === undefined ? {} : { caps: [{ scope, ...caps }] };
}
