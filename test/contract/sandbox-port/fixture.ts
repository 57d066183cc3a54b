// What the parts of the sandbox's contract share: the house that the implementation's test opened, and short ways to ask.
import { expect } from "vitest";
import { type CommandState, type Sandbox, SandboxError } from "../../../src/agent/sandbox.ts";
import type { Workspace } from "../../../src/agent/workspace.ts";

/** What each sandbox of a house is made with. */
export const labels = { purpose: "contract" };

export interface SandboxHouse {
  /** The sandbox and the workspace of that name, with `labels`; and the states that the sandbox sent. */
  open(name: string): { sandbox: Sandbox; workspace: Workspace; states: { state: string; message: string }[] };
  /** From outside, behind the sandbox's back. */
  stop(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** What a browser gets at the link; null where this runtime can't ask. */
  visit: ((url: string) => Promise<string>) | null;
  /** A port of the sandbox's own programs; null where it has none. */
  own_port: number | null;
  close(): Promise<void>;
}

export let house: SandboxHouse;
export let sandbox: Sandbox;
let count = 0;

export function enter(opened: SandboxHouse): void {
  house = opened;
  sandbox = opened.open("contract").sandbox;
}

export function ignore(): void {}

export function newId(): string {
  return `call_${++count}`;
}

/** A test that waits for ever would not say where. */
export function untilEnd(): AbortSignal {
  return AbortSignal.timeout(55_000);
}

interface RunOptions {
  cwd?: string;
  wait_ms?: number;
  command_id?: string;
}

export function run(command: string, options: RunOptions = {}): Promise<CommandState> {
  const request = { command_id: newId(), command, wait_ms: 30_000, ...options };
  return sandbox.runCommand(request, ignore, untilEnd());
}

export async function failureOf(promise: Promise<unknown>): Promise<SandboxError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SandboxError);
  return error as SandboxError;
}

export const encoder = new TextEncoder();
export const decoder = new TextDecoder();

export function writeText(path: string, text: string): Promise<void> {
  return sandbox.writeFile(path, encoder.encode(text), untilEnd());
}

export async function readText(path: string): Promise<string> {
  return decoder.decode(await sandbox.readFile(path, untilEnd()));
}
