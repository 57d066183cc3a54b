// Jobs of the queue `taskloom-jobs`. They hold ids only, since a queue message is limited to 128 KB.
import { z } from "zod";
import { clientId } from "./ids.ts";

export const job = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("run_agent_background"),
    user_id: clientId,
    thread_id: clientId,
    invocation_id: clientId,
  }),
  /** The sandbox of a deleted project that could not be deleted with it. */
  z.object({
    type: z.literal("delete_sandbox"),
    user_id: clientId,
    project_id: clientId,
    /** Distinguishes the deleted project from a new one with the same id. */
    project_created_at: z.string().max(40),
    /** The number of this attempt. */
    attempt: z.int().min(1),
  }),
  /** Revokes what the key made. The key itself may be gone. */
  z.object({
    type: z.literal("revoke_made"),
    user_id: clientId,
    key_id: clientId,
    /** The number of this attempt. */
    attempt: z.int().min(1),
  }),
  /** Ends what is open of a disabled user. Does nothing if the user is not disabled, or not any more. */
  z.object({
    type: z.literal("pause_account"),
    user_id: clientId,
    /** The number of this attempt. */
    attempt: z.int().min(1),
  }),
  /** Deletes all that is left of a deleted user. Does nothing if the user is not marked as deleted. */
  z.object({
    type: z.literal("close_account"),
    user_id: clientId,
    /** The number of this attempt. */
    attempt: z.int().min(1),
  }),
  /** A due time of a schedule. */
  z.object({
    type: z.literal("fire_schedule"),
    user_id: clientId,
    trigger_id: clientId,
    due_at: z.iso.datetime(),
    /** Starts at 1 and grows by one each time that the job returns as a dead letter. */
    attempt: z.int().min(1),
  }),
  z.object({ type: z.literal("deliver_webhook"), user_id: clientId, webhook_id: clientId, delivery_id: clientId }),
]);
export type Job = z.infer<typeof job>;
