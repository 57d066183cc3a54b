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
  /** The sandbox of a deleted project, which could not be deleted with it. */
  z.object({
    type: z.literal("delete_sandbox"),
    user_id: clientId,
    project_id: clientId,
    /** Tells the deleted project from one that was made again under its id. */
    project_created_at: z.string().max(40),
    /** How often it was tried. */
    attempt: z.int().min(1),
  }),
  /** A schedule that was due. */
  z.object({
    type: z.literal("fire_schedule"),
    user_id: clientId,
    trigger_id: clientId,
    due_at: z.iso.datetime(),
    /** How often the queue had given it up before. */
    attempt: z.int().min(1),
  }),
  z.object({ type: z.literal("deliver_webhook"), user_id: clientId, webhook_id: clientId, delivery_id: clientId }),
]);
export type Job = z.infer<typeof job>;
