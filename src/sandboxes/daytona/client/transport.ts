// Retries transport failures: a sandbox that has just started is not always reachable at once.
import { SandboxError } from "../../../agent/sandbox.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import { readFailure } from "./failure.ts";
import { pause } from "./waiting.ts";

const ATTEMPTS = 4;
const DELAYS = { base_ms: 250, cap_ms: 2_000 };

/** Rejects at once with a failure that brought no response. */
export async function retryTransport<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (!failure.is_transport) throw failure;
      if (failure.status === null || attempt >= ATTEMPTS)
        throw new SandboxError("failed", "The sandbox could not be reached.");
      await pause(backoffDelay(attempt, DELAYS), signal);
    }
  }
}
