// Requests to Daytona's API. Transport failures and rate limits are retried for a while; when that does not help, the
// request fails as `unavailable`.
import { SandboxError } from "../../../agent/sandbox.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import { type DaytonaFailure, readFailure } from "./failure.ts";
import type { DaytonaLimits } from "./limits.ts";
import { pause, race } from "./waiting.ts";

const RETRY = { base_ms: 250, cap_ms: 2_000 };

const CHECK_KEY = "Check DAYTONA_API_KEY and DAYTONA_API_URL.";
const REFUSED_BY_PROXY = "Daytona's API accepts the API key, and the proxy of its sandboxes refuses it";

/** Called before each wait for a rate limit. */
export type OnLimit = (seconds: number) => void;

export class DaytonaRequests {
  readonly #host: string;
  readonly #limits: DaytonaLimits;

  constructor(host: string, limits: DaytonaLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  /** Rejects with `DaytonaFailure` on a refusal that a retry can't change; the caller interprets it. */
  async control<Value>(request: () => Promise<Value>, signal: AbortSignal, onLimit?: OnLimit): Promise<Value> {
    const until = Date.now() + this.#limits.retry_ms;
    for (let attempt = 1; ; attempt++) {
      try {
        signal.throwIfAborted();
        return await race(request(), signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = readFailure(error);
        if (failure.status === 401) throw unavailable(`Daytona refused the API key. ${CHECK_KEY}`);
        await this.waitAfter(failure, attempt, until, signal, onLimit);
      }
    }
  }

  /**
   * Resolves when the request can be retried; rejects with the final error otherwise. A key that was refused here was
   * accepted by the API: a proxy remembers for some seconds that it could not check it.
   */
  async waitAfter(
    failure: DaytonaFailure,
    attempt: number,
    until: number,
    signal: AbortSignal,
    onLimit?: OnLimit,
  ): Promise<void> {
    const limits = this.#limits;
    if (failure.status === 429) {
      const seconds = Math.ceil(failure.retry_after_ms / 1000);
      if (failure.retry_after_ms > limits.rate_limit_ms || Date.now() > until + limits.rate_limit_ms) {
        throw unavailable(`Daytona's rate limit is reached. Try again in ${seconds} seconds.`);
      }
      onLimit?.(seconds);
      await pause(failure.retry_after_ms, signal);
      return;
    }
    const { is_key_refusal } = failure;
    if (failure.is_state_error || !(failure.is_transport || is_key_refusal || failure.status === 500)) throw failure;
    const delay = backoffDelay(attempt, RETRY);
    // A request without any answer has used up the time, and is still retried once.
    if (attempt > 1 && Date.now() + delay > until) {
      if (is_key_refusal) throw unavailable(`${REFUSED_BY_PROXY} (${failure.reason}). ${CHECK_KEY}`);
      const how = failure.status === null ? failure.reason.replace(/\.$/, "") : `status ${failure.status}`;
      throw unavailable(`Daytona at ${this.#host} can't be reached or fails (${how}). Try again later.`);
    }
    await pause(delay, signal);
  }
}

export function unavailable(message: string): SandboxError {
  return new SandboxError("unavailable", message);
}
