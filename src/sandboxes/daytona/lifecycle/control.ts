// People's orders for a sandbox: read its state, start, stop, archive and delete it. An order is a request that changes
// the sandbox's state.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { WorkspaceState } from "../../../agent/workspace.ts";
import type { DaytonaClient } from "../client/client.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { pause } from "../client/waiting.ts";

const POLL_MS = 250;
/** An order may collide with a change in progress. */
const MAX_ORDERS = 3;

const ARCHIVED = new Set(["archived", "archiving"]);
/** Nothing runs in the sandbox, and no change in progress will start it. */
const IDLE = new Set(["stopped", "build_failed", "destroying", "error", ...ARCHIVED]);
const STOPPABLE = new Set(["started", "paused"]);

export class DaytonaControl {
  readonly #client: DaytonaClient;

  constructor(client: DaytonaClient) {
    this.#client = client;
  }

  async readState(signal: AbortSignal): Promise<WorkspaceState> {
    return describe(await this.#find(signal));
  }

  async start(signal: AbortSignal): Promise<WorkspaceState> {
    return describe(await this.#client.connection.open(signal));
  }

  async stop(signal: AbortSignal): Promise<WorkspaceState> {
    this.#client.connection.reset();
    return describe(await this.#bringTo(IDLE, STOPPABLE, (sandbox, seconds) => sandbox.stop(seconds), "stop", signal));
  }

  async archive(signal: AbortSignal): Promise<WorkspaceState> {
    const stopped = await this.stop(signal);
    if (stopped.state === "none") throw new SandboxError("not_found", "There is no sandbox to archive.");
    if (stopped.state !== "stopped" && !ARCHIVED.has(stopped.state)) {
      throw new SandboxError("failed", `The sandbox's state is ${stopped.state}: only a stopped one can be archived.`);
    }
    const order = (sandbox: SdkSandbox) => sandbox.archive();
    return describe(await this.#bringTo(ARCHIVED, new Set(["stopped"]), order, "archive", signal));
  }

  async destroy(signal: AbortSignal, isTarget?: (labels: Record<string, string>) => boolean): Promise<void> {
    this.#client.connection.reset();
    await this.#client.lifecycle.destroy(signal, isTarget);
  }

  #find(signal: AbortSignal): Promise<SdkSandbox | null> {
    return this.#client.lifecycle.find(this.#client.lifecycle.name, signal);
  }

  /**
   * Sends the order when the sandbox is in a state of `from`, and waits for a state of `to`, also through changes in
   * progress.
   */
  async #bringTo(
    to: Set<string>,
    from: Set<string>,
    order: (sandbox: SdkSandbox, seconds: number) => Promise<void>,
    what: string,
    signal: AbortSignal,
  ): Promise<SdkSandbox | null> {
    const { lifecycle, limits } = this.#client;
    const until = Date.now() + limits.ready_ms;
    for (let orders = 0; ; ) {
      const sandbox = await this.#find(signal);
      const state = sandbox?.state ?? "unknown";
      if (sandbox === null || to.has(state)) return sandbox;
      if (STOPPABLE.has(state) && !from.has(state)) {
        throw new SandboxError("failed", `The sandbox was started meanwhile: only a stopped one can be ${what}d.`);
      }
      if (Date.now() > until) throw new SandboxError("failed", `The sandbox is still ${state}. Try again in a minute.`);
      if (from.has(state) && orders < MAX_ORDERS) {
        orders++;
        await lifecycle
          .control(() => order(sandbox, limits.request_ms / 1000), signal)
          .catch((error: unknown) => this.#ignoreCollision(error, what, signal));
      } else await pause(POLL_MS, signal);
    }
  }

  /**
   * Returns if the order collided with another change, whose result the sandbox's state shows. Throws any other
   * failure.
   */
  #ignoreCollision(error: unknown, what: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    if (error instanceof SandboxError) throw error;
    const { status, reason, is_state_error } = readFailure(error);
    if (is_state_error || status === 404 || status === 408 || status === 409) return;
    if (status === 400 && /valid state|stoppable state|state change/i.test(reason)) return;
    throw new SandboxError("failed", `Daytona would not ${what} the sandbox: ${reason || `status ${status}`}`);
  }
}

function describe(sandbox: SdkSandbox | null): WorkspaceState {
  return {
    state: sandbox === null ? "none" : (sandbox.state ?? "unknown"),
    reason: sandbox?.errorReason ?? null,
    target: sandbox?.target ?? null,
    snapshot: sandbox?.snapshot ?? null,
    cpu: sandbox?.cpu ?? null,
    memory: sandbox?.memory ?? null,
    disk: sandbox?.disk ?? null,
    auto_stop_minutes: sandbox?.autoStopInterval ?? null,
    auto_archive_minutes: sandbox?.autoArchiveInterval ?? null,
    created_at: sandbox?.createdAt ?? null,
  };
}
