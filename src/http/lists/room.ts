// Room for long answers: each is read, parsed and written again, so an isolate makes a few of them at a time.
import type { Leave } from "../../lib/memory/isolate.ts";
import { answerLimiter, waitForRoom } from "../../lib/memory/limiters.ts";
import type { AppContext } from "../context.ts";
import { overloaded } from "../errors.ts";

/** `work` calls `admit` before it reads what is long, once. Throws `overloaded` if there is no room in time. */
export async function withRoom(
  context: AppContext,
  work: (admit: (bytes: number) => Promise<void>) => Promise<Response>,
): Promise<Response> {
  let leave: Leave | null = null;
  const admit = async (bytes: number) => {
    leave?.();
    leave = await waitForRoom(answerLimiter, bytes, context.get("caller").user_id);
    if (leave === null) throw overloaded("answers");
  };
  try {
    return await work(admit);
  } finally {
    (leave as Leave | null)?.();
  }
}
