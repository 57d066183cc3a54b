// Jobs: what travels through the queue `taskloom-jobs`. Ids only, since a queue message holds 128 KB.
import { z } from "zod";
import { clientId } from "./ids.ts";

export const job = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("run_agent_background"),
    user_id: clientId,
    thread_id: clientId,
    invocation_id: clientId,
  }),
]);
export type Job = z.infer<typeof job>;
