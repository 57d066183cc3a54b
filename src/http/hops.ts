// Finds the chain of a run, from the request that starts it. The chain names only runs of the same user. If the request
// comes from another user's server, only its number of hops counts.
import { z } from "@hono/zod-openapi";
import { type Chain, chainOf, HOPS_HEADER, MAX_HOPS } from "../protocol/chain.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { Trigger } from "../protocol/trigger.ts";
import { readRun } from "../store/runs.ts";
import { type FoundHops, readHops } from "../triggers/hops.ts";
import type { Payload } from "../triggers/payload.ts";
import type { AppContext } from "./context.ts";

/** Any text, because a count that can't be read also counts: as the maximum. */
export const hopsHeader = z.string().optional().openapi({
  description:
    "How many webhooks in a row led to this request. A program passes on the count of the delivery that it handles.",
  example: "1",
});

/** Without `chain` if no webhook led to the run. */
interface Chained {
  chain?: Chain;
}

/** For a delivery that fires a trigger. The failure is `invalid_operation`, so that the sender does not retry it. */
export async function findChain(
  context: AppContext,
  { user_id, trigger_id }: Trigger,
  payload: Payload | null,
): Promise<Result<Chained>> {
  const received = readHops(context.req.header(HOPS_HEADER) ?? null, payload);
  if (received.hops >= MAX_HOPS) return refuseHops(received, "This delivery is");
  // A relay may have dropped all but the run's ids. D1 knows what led to that run.
  const before =
    received.run && (await readRun(context.env.DB, { ...received.run, user_id }, received.run.invocation_id));
  const hops = Math.max(received.hops, before === null ? 0 : before.hops + received.step);
  if (hops >= MAX_HOPS) return refuseHops(received, "This delivery is");
  const { thread_id = null, invocation_id = null, caused_by = [] } = before ?? {};
  return toChained({ hops, caused_by: [...caused_by, { trigger_id, thread_id, invocation_id }] });
}

/** For a user's program that starts a run or changes a plan: it passes on the count of the delivery it received. */
export function readChain(context: AppContext): Result<Chained> {
  const received = readHops(context.req.header(HOPS_HEADER) ?? null, null);
  return received.hops >= MAX_HOPS ? refuseHops(received, "This would be") : toChained({ hops: received.hops });
}

function toChained(chain: Partial<Chain>): Result<Chained> {
  return succeed(chain.hops === 0 ? {} : { chain: chainOf(chain) });
}

function refuseHops({ isReadable }: FoundHops, subject: string): Result<never> {
  const detail = isReadable
    ? `${subject} the third in a chain of runs that webhooks started; it is refused so that they don't run in a loop.`
    : `The number of ${HOPS_HEADER} can't be read; this is refused so that webhooks don't start runs in a loop.`;
  return fail("invalid_operation", detail);
}
