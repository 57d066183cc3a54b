/** Our sandbox and workspace on the double, beside the SDK's own view of the same sandbox. */
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { expect } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import { type CommandState, SandboxError } from "../../src/agent/sandbox.ts";
import type { Workspace } from "../../src/agent/workspace.ts";
import { createDaytonaSandbox, type DaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

export interface Adapter {
  fixture: Fixture;
  /** Failures that the test adds. */
  faults: Fault[];
  sandbox: DaytonaSandbox;
  workspace: Workspace;
  /** What the sandbox really has. */
  real: SdkSandbox;
  /** Runs a command beside ours, and returns what it printed. */
  shell(command: string): Promise<string>;
  run(command: string, options?: { command_id?: string; wait_ms?: number }): Promise<CommandState>;
  /** Another life that uses the same sandbox. */
  open(): DaytonaSandbox;
}

let count = 0;

export async function startAdapter(): Promise<Adapter> {
  const faults: Fault[] = [];
  const fixture = await startFixture({ apiKey, faults });
  const settings = {
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "adapter" },
    labels: { purpose: "adapter" },
    onState: () => {},
  };
  const sandbox = createDaytonaSandbox(settings);
  await sandbox.listFiles("", 1, untilEnd());
  const real = await fixture.client.get("adapter");
  return {
    fixture,
    faults,
    sandbox,
    workspace: createDaytonaWorkspace(settings),
    real,
    shell: async (command) => (await real.process.executeCommand(command)).result,
    run: (command, options = {}) => {
      const request = { command_id: `call_${++count}`, command, wait_ms: 30_000, ...options };
      return sandbox.runCommand(request, () => {}, untilEnd());
    },
    open: () => createDaytonaSandbox(settings),
  };
}

/** A test that waits for ever would not show where. */
export function untilEnd(): AbortSignal {
  return AbortSignal.timeout(80_000);
}

export async function failureOf(promise: Promise<unknown>): Promise<SandboxError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SandboxError);
  return error as SandboxError;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (content: Uint8Array): string => new TextDecoder().decode(content);
