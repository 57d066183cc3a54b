// Runs every minute: gives the queue overdue deliveries again, whose job was lost or whose try crashed. A delivery that
// is queued twice is sent once: the job that claims it in D1 sends it.
import type { Env } from "../../config.ts";
import { logError } from "../../lib/log.ts";
import { listOverdue } from "../../store/webhooks/deliveries.ts";
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
  } catch (error) {
    logError("sweep_of_deliveries_failed", error, {});
  }
}
