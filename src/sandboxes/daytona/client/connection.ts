// The one sandbox of an instance: opened at the first call, kept, and opened again when a call finds it stopped or
// gone.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { DaytonaLifecycle } from "../lifecycle/lifecycle.ts";
import { DaytonaFailure, readFailure } from "./failure.ts";
import type { DaytonaLimits } from "./limits.ts";
import { unavailable } from "./requests.ts";
import type { SdkSandbox } from "./sdk.ts";
import { race } from "./waiting.ts";

const GONE = "The sandbox is gone: it was deleted. Try again to get a new one.";

export interface CallOptions {
  /** Whether a call that may have reached the sandbox can be made again. */
  is_repeatable?: boolean;
  /** The call's data is consumed by one attempt, so the call is never retried. */
  is_once?: boolean;
  /**
   * False for a call that is pointless without a running sandbox: none is created or started, and the call fails with a
   * 404.
   */
  opens?: boolean;
}

/** Prepares a started sandbox for use. Runs before each call; makes no call through this connection itself. */
export type Prepare = (sandbox: SdkSandbox, signal: AbortSignal) => Promise<void>;

interface Opening {
  sandbox: Promise<SdkSandbox>;
  isOpen: boolean;
  /** The number of calls that wait for it. When the last one gives up, the opening is aborted. */
  waiting: number;
  end: AbortController;
}

export class DaytonaConnection {
  readonly #lifecycle: DaytonaLifecycle;
  readonly #limits: DaytonaLimits;
  readonly #prepare: Prepare;
  /** Calls that arrive during an opening wait for the same one. */
  #opening: Opening | null = null;
  /** When the last call was made with an open sandbox. */
  #usedAt = 0;

  constructor(lifecycle: DaytonaLifecycle, limits: DaytonaLimits, prepare: Prepare = async () => {}) {
    this.#lifecycle = lifecycle;
    this.#limits = limits;
    this.#prepare = prepare;
  }

  async open(signal: AbortSignal): Promise<SdkSandbox> {
    signal.throwIfAborted();
    this.#opening ??= this.#begin((end) => this.#lifecycle.open(end));
    const opening = this.#opening;
    opening.waiting++;
    try {
      const sandbox = await race(opening.sandbox, signal);
      await this.#prepare(sandbox, signal);
      return sandbox;
    } finally {
      opening.waiting--;
      if (opening.waiting === 0 && !opening.isOpen) {
        opening.end.abort(signal.reason);
        this.#forget(opening);
      }
    }
  }

  /** The started sandbox. Rejects with a 404 if there is none, and does not start one. */
  async #findStarted(signal: AbortSignal): Promise<SdkSandbox> {
    if (this.#opening?.isOpen) return this.#opening.sandbox;
    const found = await this.#lifecycle.find(this.#lifecycle.name, signal);
    if (found?.state !== "started") throw new DaytonaFailure("The sandbox does not run.", { status: 404 });
    return found;
  }

  #begin(open: (signal: AbortSignal) => Promise<SdkSandbox>): Opening {
    const end = new AbortController();
    const sandbox = open(end.signal).catch((error: unknown) => {
      end.signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      throw new SandboxError(
        "unavailable",
        `Daytona refused the sandbox: ${readFailure(error).reason || "no reason given"}`,
      );
    });
    const opening: Opening = { sandbox, isOpen: false, waiting: 0, end };
    sandbox.then(
      () => {
        opening.isOpen = true;
      },
      () => this.#forget(opening),
    );
    return opening;
  }

  /**
   * Makes a call with the sandbox. Rejects with `DaytonaFailure` if the sandbox refused, which the caller explains, and
   * with `SandboxError` if there is no sandbox or it can't be reached.
   */
  async call<Value>(
    work: (sandbox: SdkSandbox) => Promise<Value>,
    signal: AbortSignal,
    { is_repeatable = true, is_once = false, opens = true }: CallOptions = {},
  ): Promise<Value> {
    const until = Date.now() + this.#limits.retry_ms;
    let reopened = false;
    for (let attempt = 1; ; attempt++) {
      const sandbox = await (opens ? this.open(signal) : this.#findStarted(signal));
      try {
        this.#usedAt = Date.now();
        return await race(work(sandbox), signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = readFailure(error);
        if (!(await this.#isStarted(sandbox, failure, signal))) {
          if (is_once && failure.is_key_refusal) throw unavailable(GONE);
          // A proxy in front of a sandbox that does not run sent this status: the call has had no effect.
          if (reopened || is_once || !(is_repeatable || failure.status !== null)) throw this.#explain(failure);
          reopened = true;
          continue;
        }
        if (is_once) throw failure;
        if (!failure.is_transport && !failure.is_key_refusal && failure.status !== 429) throw failure;
        const hasNoEffect = failure.status === 429 || failure.is_key_refusal || failure.is_passing_refusal;
        if (!is_repeatable && !hasNoEffect) throw this.#explain(failure);
        await this.#lifecycle.waitAfter(failure, attempt, until, signal);
      }
    }
  }

  /** The open sandbox and the time of its last call; null if none is open. */
  async readUse(): Promise<{ sandbox: SdkSandbox; at: number } | null> {
    return this.#opening?.isOpen ? { sandbox: await this.#opening.sandbox, at: this.#usedAt } : null;
  }

  /** The next call looks the sandbox up again. */
  reset(): void {
    this.#opening = null;
  }

  /**
   * Reads the state only if the failure leaves it open, which also asks the API about a key that a proxy refused. Drops a
   * sandbox that is not started.
   */
  async #isStarted(sandbox: SdkSandbox, failure: DaytonaFailure, signal: AbortSignal): Promise<boolean> {
    if (!failure.needs_state_check) return true;
    const found = await this.#lifecycle.find(sandbox.id, signal);
    if (found?.state === "started") return true;
    // Another call may be opening a new one at the same time.
    const current = this.#opening;
    if (current?.isOpen && (await current.sandbox) === sandbox) this.#forget(current);
    return false;
  }

  #forget(opening: Opening): void {
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
