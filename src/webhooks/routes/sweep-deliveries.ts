// Each minute: deliveries that are overdue, since their job was lost or a try of them crashed, are given to the queue again. One
// that is given twice is sent once: who claims it in D1 sends it.
import type { Env } from "../../config.ts";
import { logError } from "../../lib/log.ts";
import { listOverdue } from "../../store/webhooks/deliveries.ts";
import { sendJobs } from "../../thread/jobs.ts";

/** The queue's own delay; what is due now is most likely on its way. */
const OVERDUE_MS = 10_000;

/** Five requests to the queue. What is left over has waited longest at the next sweep. */
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
