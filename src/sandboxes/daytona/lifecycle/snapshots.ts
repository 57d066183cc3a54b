// Daytona deactivates a snapshot that nobody used for two weeks, and refuses sandboxes from it until it is activated.

import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import { unavailable } from "../client/requests.ts";
import type { SdkClient } from "../client/sdk.ts";
import { pause } from "../client/waiting.ts";

const POLL_MS = 500;

/** The snapshot's name, if a refusal says that it is inactive. */
export function readInactiveSnapshot(refusal: string): string | null {
  return /snapshot\s+["']?([^\s"']+)["']?\s+is inactive/i.exec(refusal)?.[1] ?? null;
}

/** Resolves when the snapshot can be used. */
export async function activateSnapshot(
  name: string,
  ports: {
    client: SdkClient;
    control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
    until: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { control, until } = ports;
  try {
    const { snapshot } = await ports.client();
    await control(async () => snapshot.activate(await snapshot.get(name)), signal);
    for (;;) {
      const { state } = await control(() => snapshot.get(name), signal);
      if (String(state) === "active") return;
      if (Date.now() > until || /error|failed/.test(String(state))) throw unavailable(explain(name, `it is ${state}`));
      await pause(POLL_MS, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError) throw error;
    const failure = readFailure(error);
    throw unavailable(explain(name, failure.reason || `status ${failure.status}`));
  }
}

function explain(name: string, reason: string): string {
  return `The snapshot ${name} is inactive and could not be activated: ${reason}. Activate it in Daytona, or choose another one.`;
}
