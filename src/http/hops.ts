// The chain that a run goes on, from what came with the request that starts it. Only runs of the same user are named in it: of
// what another's server says the number alone counts.
import { z } from "@hono/zod-openapi";
import { type Chain, chainOf, HOPS_HEADER, MAX_HOPS } from "../protocol/chain.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { Trigger } from "../protocol/trigger.ts";
import { readRun } from "../store/runs.ts";
import { type FoundHops, readHops } from "../triggers/hops.ts";
import type { Payload } from "../triggers/payload.ts";
import type { AppContext } from "./context.ts";

/** Any text: one that can't be read is a count too. */
export const hopsHeader = z.string().optional().openapi({
  description: "How many webhooks in a row led to this: of a delivery, or of the one that a program starts a run for.",
  example: "1",
});

/** Nothing where no webhook led to it. */
interface Chained {
  chain?: Chain;
}

/** Of a firing of a trigger. The failure is `invalid_operation`: however often it comes, it is not taken. */
export async function findChain(
  context: AppContext,
  { user_id, trigger_id }: Trigger,
  payload: Payload | null,
): Promise<Result<Chained>> {
  const told = readHops(context.req.header(HOPS_HEADER) ?? null, payload);
  if (told.hops >= MAX_HOPS) return tooFar(told, "This delivery is");
  // A relay may have kept no more than the run's ids; what led to that run is known here.
  const before = told.run && (await readRun(context.env.DB, { ...told.run, user_id }, told.run.invocation_id));
  const hops = Math.max(told.hops, before === null ? 0 : before.hops + told.step);
  if (hops >= MAX_HOPS) return tooFar(told, "This delivery is");
  const { thread_id = null, invocation_id = null, caused_by = [] } = before ?? {};
  return toChained({ hops, caused_by: [...caused_by, { trigger_id, thread_id, invocation_id }] });
}

/** Of a run that a program of the user starts, or of its change of a plan: it passes on the count of the delivery that it got. */
export function readChain(context: AppContext): Result<Chained> {
  const told = readHops(context.req.header(HOPS_HEADER) ?? null, null);
  return told.hops >= MAX_HOPS ? tooFar(told, "This would be") : toChained({ hops: told.hops });
}

function toChained(chain: Partial<Chain>): Result<Chained> {
  return succeed(chain.hops === 0 ? {} : { chain: chainOf(chain) });
}

function tooFar({ isReadable }: FoundHops, subject: string): Result<never> {
  const detail = isReadable
    ? `${subject} the third in a chain of runs that webhooks started; it is refused so that they don't run in a loop.`
    : `The number of ${HOPS_HEADER} can't be read; this is refused so that webhooks don't start runs in a loop.`;
  return fail("invalid_operation", detail);
}
