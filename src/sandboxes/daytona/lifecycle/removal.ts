// Deletes a sandbox. Daytona refuses this while the sandbox's state is changing, so the deletion waits and retries.

import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { pause } from "../client/waiting.ts";
import { ORDER_SECONDS } from "./start-progress.ts";

const POLL_MS = 250;

/** Longer than any change of a sandbox's state takes. */
const ABANDONED_MINUTES = 60;

export type IsTarget = (labels: Record<string, string>) => boolean;

type Labels = Record<string, string>;

/** Whether the sandbox belongs to a deleted project of the same id, whose sandbox could not be deleted. */
export function isOfAnother(found: Labels | undefined, own: Labels): boolean {
  const [theirs, ours] = [found?.project_created_at, own.project_created_at];
  return theirs !== undefined && ours !== undefined && theirs !== ours;
}

export interface RemovalPorts {
  find(signal: AbortSignal): Promise<SdkSandbox | null>;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
  limit_ms: number;
}

/**
 * False if there is no sandbox, or `isTarget` rejects its labels. With `isTarget` nobody needs the sandbox any more: if
 * Daytona does not delete it at once, it is also given a time to live, in case all later attempts fail.
 */
export async function removeSandbox(
  { find, control, limit_ms }: RemovalPorts,
  isTarget: IsTarget | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const until = Date.now() + limit_ms;
  for (let found = false; ; found = true) {
    const sandbox = await find(signal);
    if (sandbox === null || isTarget?.(sandbox.labels ?? {}) === false) return found;
    if (sandbox.state === "destroying") return true;
    try {
      await control(() => sandbox.delete(ORDER_SECONDS), signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (failure.status === 404) return true;
      // Daytona 0.190 has no times to live.
      if (isTarget && !found) await control(() => sandbox.setTtl(ABANDONED_MINUTES), signal).catch(() => undefined);
      signal.throwIfAborted();
      if (failure.status !== 409 || Date.now() > until) throw error;
    }
    await pause(POLL_MS, signal);
  }
}
