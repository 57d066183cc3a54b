// Sends the queue jobs for deliveries that are stored as due. If it does not take their jobs, the sweep finds them.
import type { AppContext } from "../../http/context.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import type { DeliveryName } from "../../protocol/webhook.ts";
import { sendJobs } from "../../thread/jobs.ts";

export async function announce(context: AppContext, names: DeliveryName[]): Promise<void> {
  try {
    await sendJobs(
      context.env.JOBS,
      names.map(({ user_id, webhook_id, delivery_id }) => ({
        type: "deliver_webhook",
        ...{ user_id, webhook_id, delivery_id },
      })),
    );
  } catch (error) {
    logWarning("deliveries_not_announced", { count: names.length, error: describeError(error) });
  }
}
