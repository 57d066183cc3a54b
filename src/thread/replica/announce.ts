// Sends the queue the deliveries that D1 made of a batch.
import { describeError, logWarning } from "../../lib/log.ts";
import type { Job } from "../../protocol/job.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import type { DeliveryName } from "../../protocol/webhook.ts";

/** Nothing waits for the queue: the scheduled sweep finds deliveries whose job was lost. */
export function announce(
  sendJobs: (jobs: Job[]) => Promise<void>,
  { user_id, thread_id }: ThreadKey,
  made: DeliveryName[],
): void {
  if (made.length === 0) return;
  const jobs = made.map((name): Job => ({ type: "deliver_webhook", ...name }));
  sendJobs(jobs).catch((error: unknown) => {
    logWarning("deliveries_not_announced", { user_id, thread_id, count: made.length, error: describeError(error) });
  });
}
