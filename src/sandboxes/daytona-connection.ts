// The one sandbox of an instance: opened at the first call, remembered, opened again when a call finds it stopped or gone.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../agent/sandbox.ts";
import { type DaytonaFailure, readFailure } from "./daytona-failure.ts";
import type { DaytonaLifecycle } from "./daytona-lifecycle.ts";
import type { DaytonaLimits } from "./daytona-limits.ts";
import { race } from "./waiting.ts";

/** Whether a call that may have reached the sandbox can be made again. */
export interface CallOptions {
  is_repeatable: boolean;
}

export class DaytonaConnection {
  readonly #lifecycle: DaytonaLifecycle;
  readonly #limits: DaytonaLimits;
  /** Calls that come while it is being opened wait for the same one. */
  #opening: Promise<SdkSandbox> | null = null;

  constructor(lifecycle: DaytonaLifecycle, limits: DaytonaLimits) {
    this.#lifecycle = lifecycle;
    this.#limits = limits;
  }

  async open(signal: AbortSignal): Promise<SdkSandbox> {
    signal.throwIfAborted();
    if (!this.#opening) {
      const opening = this.#lifecycle.open().catch((error: unknown) => {
        if (error instanceof SandboxError) throw error;
        throw new SandboxError(
          "unavailable",
          `Daytona refused the sandbox: ${readFailure(error).reason || "no reason given"}`,
        );
      });
      this.#opening = opening;
      opening.catch(() => this.#forget(opening));
    }
    // Whoever gives up does not stop the others' waiting; opening ends by its own limits.
    return race(this.#opening, signal);
  }

  /**
   * Makes a call with the sandbox. Rejects with `DaytonaFailure` where the sandbox answered with a refusal, which is for
   * the caller to explain, and with `SandboxError` where there is no sandbox or no way to it.
   */
  async call<Value>(
    work: (sandbox: SdkSandbox) => Promise<Value>,
    signal: AbortSignal,
    options: CallOptions = { is_repeatable: true },
  ): Promise<Value> {
    const until = Date.now() + this.#limits.retry_ms;
    let reopened = false;
    for (let attempt = 1; ; attempt++) {
      const sandbox = await this.open(signal);
      try {
        return await race(work(sandbox), signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = readFailure(error);
        if (!(await this.#isStarted(sandbox, failure, signal))) {
          // An answer with a status came from the way to a sandbox that does not run: the call has done nothing.
          if (reopened || !(options.is_repeatable || failure.status !== null)) throw this.#explain(failure);
          reopened = true;
          continue;
        }
        if (!failure.is_of_the_way && failure.status !== 401 && failure.status !== 429) throw failure;
        if (!options.is_repeatable && failure.status !== 429) throw this.#explain(failure);
        await this.#lifecycle.waitAfter(failure, attempt, until, signal);
      }
    }
  }

  /** The next call looks the sandbox up again. */
  reset(): void {
    this.#opening = null;
  }

  /** Asked only when the failure leaves it open; a sandbox that is not started is forgotten. */
  async #isStarted(sandbox: SdkSandbox, failure: DaytonaFailure, signal: AbortSignal): Promise<boolean> {
    if (!failure.asks_for_a_look) return true;
    const found = await race(this.#lifecycle.find(sandbox.id), signal);
    if (found?.state === "started") return true;
    const current = await this.#opening?.catch(() => null);
    // Another call may have opened a new one meanwhile.
    if (current === sandbox) this.#opening = null;
    return false;
  }

  #forget(opening: Promise<SdkSandbox>): void {
    if (this.#opening === opening) this.#opening = null;
  }

  #explain(failure: DaytonaFailure): SandboxError {
    const how = failure.status === null ? failure.reason : `status ${failure.status}`;
    return new SandboxError(
      "failed",
      `The sandbox was lost in the middle of this (${how}). It may or may not have happened: check.`,
    );
  }
}
