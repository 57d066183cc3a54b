// Keeps a sandbox from stopping by itself under a run that thinks: Daytona counts requests as activity, and no processes.
import type { DaytonaConnection } from "../client/connection.ts";
import type { DaytonaLifecycle } from "./lifecycle.ts";
import { USUAL_AUTO_STOP_MINUTES } from "./recipe.ts";

/** Of the auto-stop interval: two of three requests may fail or be late. */
const SHARE = 1 / 3;

export class DaytonaKeepAlive {
  readonly #lifecycle: DaytonaLifecycle;
  readonly #connection: DaytonaConnection;
  #refreshedAt = 0;

  constructor(lifecycle: DaytonaLifecycle, connection: DaytonaConnection) {
    this.#lifecycle = lifecycle;
    this.#connection = connection;
  }

  /** Neither makes nor starts one: what a person stopped stays so. */
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
