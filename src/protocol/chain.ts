// What led to a run: webhooks whose deliveries started runs, which webhooks told of, and so on. Each delivery that starts a run
// is a hop. The count ends a loop; the chain is for people who look for it.
import { z } from "zod";

/**
 * From so many hops on nothing is started. Two are somebody's wish: a run tells a second one, and that a third. Each hop may
 * multiply what is run, so a generous bound would be none.
 */
export const MAX_HOPS = 3;

/** Of a delivery, and of what passes its count on. */
export const HOPS_HEADER = "Taskloom-Hops";

/** What an event adds to the hops of its run. A run ends once, and changes dozens of tasks, each an event. */
export const END_HOPS = 1;
export const TASK_HOPS = 2;

/** A run that led to the next one by this trigger. Its ids are null where it is none of the same user's, or not known. */
export const cause = z.object({
  trigger_id: z.string(),
  thread_id: z.string().nullable(),
  invocation_id: z.string().nullable(),
});
export type Cause = z.infer<typeof cause>;

export interface Chain {
  /** Zero for what a person, the API, Slack or a clock started. */
  hops: number;
  /** Oldest first; never more than there were hops. */
  caused_by: Cause[];
}

/** A chain within its bounds. What was stored by a former version has none. */
export function chainOf({ hops = 0, caused_by = [] }: Partial<Chain> = {}): Chain {
  const bounded = Math.min(hops, MAX_HOPS);
  return { hops: bounded, caused_by: bounded === 0 ? [] : caused_by.slice(-bounded) };
}

/** A run that former versions may have stored, with its chain. */
export function withChain<T extends object>(run: T & Partial<Chain>): T & Chain {
  return { ...run, ...chainOf(run) };
}

/** The run goes on with the longer of two chains; whether that is the other one. */
export function takeLonger(run: Chain, other: Chain): boolean {
  if (other.hops <= run.hops) return false;
  run.hops = other.hops;
  run.caused_by = other.caused_by;
  return true;
}
