// Asks the quotas of a sandbox's user before an order that they bound, and says in the sandbox's state that they refuse.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SandboxCount, SandboxSize } from "../../provider.ts";
import { isBuilt, type Recipe } from "./recipe.ts";
import type { StartProgress } from "./start-progress.ts";
import type { StateReporter } from "./state-reporter.ts";

export class Admission {
  readonly #count: SandboxCount | undefined;
  readonly #states: StateReporter;

  constructor(count: SandboxCount | undefined, states: StateReporter) {
    this.#count = count;
    this.#states = states;
  }

  /** Before each order to create. An opening builds its image once, however often it orders it. */
  async create(recipe: Recipe, progress: StartProgress): Promise<void> {
    await this.#ask("none", async (count) => {
      const builds = isBuilt(recipe) && !progress.isBuildCounted;
      await count.start(builds);
      await count.take(recipe);
      if (!builds) return;
      try {
        await count.build();
      } catch (error) {
        await count.giveBack();
        throw error;
      }
      progress.isBuildCounted = true;
    });
  }

  /** Before a build that nobody asked for by name. False if a quota refuses it: then there is none. */
  async build(recipe: Recipe, progress: StartProgress): Promise<boolean> {
    try {
      await this.create(recipe, progress);
      return true;
    } catch (error) {
      if (error instanceof SandboxError && error.code === "quota_exceeded") return false;
      throw error;
    }
  }

  /** Before an order to start what is there, which stays as it is if it is refused. */
  async start(state: string): Promise<void> {
    await this.#ask(state, (count) => count.start(false));
  }

  async grow(state: string, size: SandboxSize): Promise<void> {
    await this.#ask(state, (count) => count.take(size));
  }

  async #ask(state: string, ask: (count: SandboxCount) => Promise<void>): Promise<void> {
    if (this.#count === undefined) return;
    try {
      await ask(this.#count);
    } catch (error) {
      if (error instanceof SandboxError && error.code === "quota_exceeded") this.#states.report(state, error.message);
      throw error;
    }
  }
}
