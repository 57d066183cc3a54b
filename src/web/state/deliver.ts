// Brings the server a message beside the stream of the page: while another run works, or after its thread was left.
import { type Api, ApiError } from "../client/api.ts";
import { pause } from "../client/follow.ts";
import { forgetUnsent, giveBack, type Unsent } from "./drafts.ts";
import type { Waiting } from "./thread-view.ts";

const [firstRetryMs, longestRetryMs] = [500, 8_000];
const never = new AbortController().signal;

/**
 * Tries until the server has answered. What it refuses is given back to the person, and the refusal thrown. `onLost` is told
 * before each other try.
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
        // With another key it may go.
        if (error.status !== 401) {
          forgetUnsent(message.run);
          giveBack(message.thread, message.text);
        }
        throw error;
      }
      onLost(error);
      await pause(Math.min(longestRetryMs, firstRetryMs * 2 ** failures), never);
    }
  }
}
