// The one sandbox of an instance: opened at the first call, remembered, opened again when a call finds it stopped or gone.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { DaytonaLifecycle } from "../lifecycle/lifecycle.ts";
import { DaytonaFailure, readFailure } from "./failure.ts";
import type { DaytonaLimits } from "./limits.ts";
import { race } from "./waiting.ts";

/** Whether a call that may have reached the sandbox can be made again. */
export interface CallOptions {
  is_repeatable?: boolean;
  /** What it sends is gone after one attempt: no sandbox is made or started, and nothing waited for, to make another. */
  is_once?: boolean;
  /** False for what is pointless without a running sandbox: then none is made or started, and the call fails with a 404. */
  opens?: boolean;
}

/** What has to be in a started sandbox before it is used. Asked before each call; makes no call itself. */
export type Prepare = (sandbox: SdkSandbox, signal: AbortSignal) => Promise<void>;

interface Opening {
  sandbox: Promise<SdkSandbox>;
  isOpen: boolean;
  /** Calls that wait for it; when the last one gives up, so does the opening. */
  waiting: number;
  end: AbortController;
}

export class DaytonaConnection {
  readonly #lifecycle: DaytonaLifecycle;
  readonly #limits: DaytonaLimits;
  readonly #prepare: Prepare;
  /** Calls that come while it is being opened wait for the same one. */
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

  /** The started sandbox; rejects with a 404 where there is none, and does nothing about it. */
  async #look(signal: AbortSignal): Promise<SdkSandbox> {
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
   * Makes a call with the sandbox. Rejects with `DaytonaFailure` where the sandbox answered with a refusal, which is for
   * the caller to explain, and with `SandboxError` where there is no sandbox or no way to it.
   */
  async call<Value>(
    work: (sandbox: SdkSandbox) => Promise<Value>,
    signal: AbortSignal,
    { is_repeatable = true, is_once = false, opens = true }: CallOptions = {},
  ): Promise<Value> {
    const until = Date.now() + this.#limits.retry_ms;
    let reopened = false;
    for (let attempt = 1; ; attempt++) {
      const sandbox = await (opens ? this.open(signal) : this.#look(signal));
      try {
        this.#usedAt = Date.now();
        return await race(work(sandbox), signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = readFailure(error);
        if (!(await this.#isStarted(sandbox, failure, signal))) {
          // An answer with a status came from the way to a sandbox that does not run: the call has done nothing.
          if (reopened || is_once || !(is_repeatable || failure.status !== null)) throw this.#explain(failure);
          reopened = true;
          continue;
        }
        if (is_once) throw failure;
        if (!failure.is_of_the_way && failure.status !== 401 && failure.status !== 429) throw failure;
        if (!is_repeatable && failure.status !== 429) throw this.#explain(failure);
        await this.#lifecycle.waitAfter(failure, attempt, until, signal);
      }
    }
  }

  /** The sandbox that calls go to, and when the last one did; null where none is open. */
  async readUse(): Promise<{ sandbox: SdkSandbox; at: number } | null> {
    return this.#opening?.isOpen ? { sandbox: await this.#opening.sandbox, at: this.#usedAt } : null;
  }

  /** The next call looks the sandbox up again. */
  reset(): void {
    this.#opening = null;
  }

  /** Asked only when the failure leaves it open; a sandbox that is not started is forgotten. */
  async #isStarted(sandbox: SdkSandbox, failure: DaytonaFailure, signal: AbortSignal): Promise<boolean> {
    if (!failure.asks_for_a_look) return true;
    const found = await this.#lifecycle.find(sandbox.id, signal);
    if (found?.state === "started") return true;
    // Another call may be opening a new one meanwhile.
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
