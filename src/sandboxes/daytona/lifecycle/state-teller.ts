// Tells of a sandbox's states, each thing once until another is told.
import type { OnSandboxState } from "../../../agent/sandbox.ts";

export class StateTeller {
  readonly #onState: OnSandboxState;
  #state = "unknown";
  #message = "";

  constructor(onState: OnSandboxState) {
    this.#onState = onState;
  }

  /** The last one that was told. */
  get state(): string {
    return this.#state;
  }

  tell(state: string, message: string): void {
    if (state === this.#state && message === this.#message) return;
    this.#state = state;
    this.#message = message;
    this.#onState(state, message);
  }
}
