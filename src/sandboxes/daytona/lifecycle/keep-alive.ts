// Prevents a sandbox's auto-stop during a run whose model is thinking: Daytona counts only requests as activity, not
// processes.
import type { DaytonaConnection } from "../client/connection.ts";
import type { DaytonaLifecycle } from "./lifecycle.ts";
import { USUAL_AUTO_STOP_MINUTES } from "./recipe.ts";

/** The interval between two requests as a share of the auto-stop interval: two of three may fail or be late. */
const SHARE = 1 / 3;

export class DaytonaKeepAlive {
  readonly #lifecycle: DaytonaLifecycle;
  readonly #connection: DaytonaConnection;
  #refreshedAt = 0;

  constructor(lifecycle: DaytonaLifecycle, connection: DaytonaConnection) {
    this.#lifecycle = lifecycle;
    this.#connection = connection;
  }

  /** Neither creates nor starts a sandbox: one that a person stopped stays stopped. */
  async refresh(used_since: number, signal: AbortSignal): Promise<void> {
    const use = await this.#connection.readUse();
    if (use === null || use.at < used_since) return;
    const minutes = use.sandbox.autoStopInterval ?? USUAL_AUTO_STOP_MINUTES;
    const now = Date.now();
    const idle = now - Math.max(use.at, this.#refreshedAt);
    if (minutes === 0 || idle < minutes * 60_000 * SHARE) return;
    this.#refreshedAt = now;
    await this.#lifecycle.control(() => use.sandbox.refreshActivity(), signal);
  }
}
