// The chain of webhooks that led to a run: a run sends a webhook, whose delivery starts a run, which sends a webhook,
// and so on. Each delivery that starts a run is one hop. The count of hops ends loops; the chain itself is for people
// who debug one.
import { z } from "zod";

/**
 * At this many hops a delivery starts nothing. Two hops are legitimate: a run notifies a second one, which notifies a
 * third. Each hop can multiply the number of runs, so a generous limit would be no limit.
 */
export const MAX_HOPS = 3;

/** Sent with every delivery; a relay that forwards the delivery passes the count on. */
export const HOPS_HEADER = "Taskloom-Hops";

/**
 * Hops that an event adds to those of its run. A run ends once but changes dozens of tasks, each an event of its own,
 * and may reach several caps.
 */
export const END_HOPS = 1;
export const TASK_HOPS = 2;
export const BUDGET_HOPS = 2;

/**
 * A run that led to the next one through this trigger. The ids are null if the run is unknown or belongs to another
 * user.
 */
export const cause = z.object({
  trigger_id: z.string(),
  thread_id: z.string().nullable(),
  invocation_id: z.string().nullable(),
});
export type Cause = z.infer<typeof cause>;

export interface Chain {
  /** Zero for runs started by a person, the API, Slack or a schedule. */
  hops: number;
  /** Oldest first; never longer than `hops`. */
  caused_by: Cause[];
}

/** Brings a chain within its limits. What no webhook led to has an empty one. */
export function chainOf({ hops = 0, caused_by = [] }: Partial<Chain> = {}): Chain {
  const bounded = Math.min(hops, MAX_HOPS);
  return { hops: bounded, caused_by: bounded === 0 ? [] : caused_by.slice(-bounded) };
}

/** Gives the run the longer of two chains. Returns true if that is `other`. */
export function takeLonger(run: Chain, other: Chain): boolean {
  if (other.hops <= run.hops) return false;
  run.hops = other.hops;
  run.caused_by = other.caused_by;
  return true;
}
