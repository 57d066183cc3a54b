// A sandbox's states as people order them: looked at, started, stopped, archived, deleted.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../agent/sandbox.ts";
import type { WorkspaceState } from "../agent/workspace.ts";
import type { DaytonaClient } from "./daytona-client.ts";
import { pause } from "./waiting.ts";

const LOOK_MS = 250;
const RUNNING = new Set(["started", "starting", "creating", "restoring", "resuming"]);

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
    const { lifecycle, connection, limits } = this.#client;
    connection.reset();
    const sandbox = await this.#find(signal);
    if (sandbox === null || !RUNNING.has(sandbox.state ?? "")) return describe(sandbox);
    await lifecycle.control(() => sandbox.stop(limits.request_ms / 1000), signal);
    return describe(await this.#await(new Set(["stopped", "archived", "archiving"]), signal));
  }

  async archive(signal: AbortSignal): Promise<WorkspaceState> {
    const stopped = await this.stop(signal);
    if (stopped.state === "archived" || stopped.state === "archiving") return stopped;
    const sandbox = await this.#find(signal);
    if (sandbox === null) throw new SandboxError("not_found", "There is no sandbox to archive.");
    await this.#client.lifecycle.control(() => sandbox.archive(), signal);
    return describe(await this.#find(signal));
  }

  async destroy(signal: AbortSignal, isMeant?: (labels: Record<string, string>) => boolean): Promise<void> {
    this.#client.connection.reset();
    await this.#client.lifecycle.destroy(signal, isMeant);
  }

  #find(signal: AbortSignal): Promise<SdkSandbox | null> {
    return this.#client.lifecycle.find(this.#client.lifecycle.name, signal);
  }

  async #await(states: Set<string>, signal: AbortSignal): Promise<SdkSandbox | null> {
    const until = Date.now() + this.#client.limits.ready_ms;
    for (;;) {
      const sandbox = await this.#find(signal);
      if (sandbox === null || states.has(sandbox.state ?? "")) return sandbox;
      if (Date.now() > until) throw new SandboxError("failed", `The sandbox is still ${sandbox.state}.`);
      await pause(LOOK_MS, signal);
    }
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
