// The end of a sandbox. Daytona deletes none whose state is just changing: that is waited for, and asked again.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import { pause } from "../client/waiting.ts";
import { ORDER_SECONDS } from "./course.ts";

const LOOK_MS = 250;

export interface RemovalPorts {
  find(signal: AbortSignal): Promise<SdkSandbox | null>;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
  limit_ms: number;
}

/** False where there is none, or none that is meant. */
export async function removeSandbox(
  { find, control, limit_ms }: RemovalPorts,
  isMeant: (labels: Record<string, string>) => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const until = Date.now() + limit_ms;
  for (let found = false; ; found = true) {
    const sandbox = await find(signal);
    if (sandbox === null || !isMeant(sandbox.labels ?? {})) return found;
    if (sandbox.state === "destroying") return true;
    try {
      await control(() => sandbox.delete(ORDER_SECONDS), signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (failure.status === 404) return true;
      if (failure.status !== 409 || Date.now() > until) throw error;
    }
    await pause(LOOK_MS, signal);
  }
}
