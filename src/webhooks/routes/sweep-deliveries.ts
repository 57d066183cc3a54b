// Runs every minute: gives the queue overdue deliveries again, whose job was lost or whose try crashed. A delivery that
// is queued twice is sent once: the job that claims it in D1 sends it. Also ends what a webhook could never send.
import type { Env } from "../../config.ts";
import { logError } from "../../lib/log.ts";
import { endSurplus, listOverdue, MAX_OVERDUE_PER_WEBHOOK } from "../../store/webhooks/deliveries.ts";
import { sendJobs } from "../../thread/jobs.ts";

/** The queue's own delay; a delivery due just now is most likely on its way. */
const OVERDUE_MS = 10_000;

/** Five requests to the queue. Deliveries left over have waited longest in the next sweep. */
const DELIVERIES_PER_SWEEP = 500;

export async function sweepDeliveries(env: Env, now: number): Promise<void> {
  try {
    const overdue = await listOverdue(env.DB, now - OVERDUE_MS, DELIVERIES_PER_SWEEP);
    await sendJobs(
      env.JOBS,
      overdue.map((name) => ({ type: "deliver_webhook", ...name })),
    );
    // Below that, no webhook has many; the ranking would be made twice.
    if (overdue.length >= MAX_OVERDUE_PER_WEBHOOK) await endSurplus(env.DB, now - OVERDUE_MS, now);
  } catch (error) {
    logError("sweep_of_deliveries_failed", error, {});
  }
}
