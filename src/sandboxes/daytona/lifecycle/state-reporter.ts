// Reports a sandbox's states, without repeating the last report.
import type { OnSandboxState } from "../../../agent/sandbox.ts";

export class StateReporter {
  readonly #onState: OnSandboxState;
  #state = "unknown";
  #message = "";

  constructor(onState: OnSandboxState) {
    this.#onState = onState;
  }

  /** The last reported state. */
  get state(): string {
    return this.#state;
  }

  report(state: string, message: string): void {
    if (state === this.#state && message === this.#message) return;
    this.#state = state;
    this.#message = message;
    this.#onState(state, message);
  }
}
