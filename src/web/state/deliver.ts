// Delivers a message outside the page's stream: while another run works, or after its thread was left.
import { type Api, ApiError, waitFor } from "../client/api.ts";
import { pause } from "../client/follow.ts";
import { forgetUnsent, giveBack, type Unsent } from "./drafts.ts";
import type { Waiting } from "./thread-view.ts";

const [firstRetryMs, maxRetryMs] = [500, 8_000];
const never = new AbortController().signal;

/**
 * Retries until the server has answered. A refused message is given back to the person, and the refusal thrown. Calls
 * `onLost` before each retry.
 */
export async function deliver(
  api: Pick<Api, "sendBeside">,
  message: Unsent,
  mode: Waiting["mode"],
  onLost: (error: unknown) => void = () => {},
): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      await api.sendBeside(message.thread, message.run, message, mode);
      forgetUnsent(message.run);
      return;
    } catch (error) {
      if (error instanceof ApiError && !error.isPassing) {
        // Another key may be accepted.
        if (error.status !== 401) {
          forgetUnsent(message.run);
          giveBack(message.thread, message.text);
        }
        throw error;
      }
      onLost(error);
      await pause(Math.max(waitFor(error), Math.min(maxRetryMs, firstRetryMs * 2 ** failures)), never);
    }
  }
}
