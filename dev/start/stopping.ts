// The steps that undo a start, in reverse order, however the start ends.
export class Stopping {
  readonly #steps: (() => unknown)[] = [];
  #stopped: Promise<void> | undefined;
  readonly #controller = new AbortController();

  /** Aborted once stopping has begun. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Adds a step that undoes something just begun. If stopping has already begun, it runs at once, and this throws. */
  async add(step: () => unknown): Promise<void> {
    if (!this.#stopped) {
      this.#steps.push(step);
      return;
    }
    await attempt(step);
    throw new Error("stopped");
  }

  /** A second call returns the first one's promise. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#controller.abort();
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) await attempt(step);
  }
}

/** A step that fails must not keep the others from running. */
async function attempt(step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
}
