// What has to be undone when the start ends, in whatever way: the last thing started is the first one stopped.
export class Stopping {
  readonly #steps: (() => unknown)[] = [];
  #stopped: Promise<void> | undefined;
  readonly #controller = new AbortController();

  /** Aborted once stopping has begun. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes what undoes something just begun; where stopping has begun already it is undone at once. */
  async add(step: () => unknown): Promise<void> {
    if (!this.#stopped) {
      this.#steps.push(step);
      return;
    }
    await attempt(step);
    throw new Error("stopped");
  }

  /** Stopping twice is stopping once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#controller.abort();
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) await attempt(step);
  }
}

/** What can't be stopped must not keep the rest from being stopped. */
async function attempt(step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
}
