// What the parts of the sandbox's contract share: the fixture that the implementation's test opened, and helpers for
// requests.
import { expect } from "vitest";
import {
  type CommandState,
  type FileSearch,
  type FileSearchResult,
  type Sandbox,
  SandboxError,
} from "../../../src/agent/sandbox.ts";
import type { Workspace } from "../../../src/agent/workspace.ts";

/** The labels of each sandbox of a fixture. */
export const labels = { purpose: "contract" };

export interface SandboxFixture {
  /** The sandbox and the workspace of that name, with `labels`, and the states that the sandbox sent. */
  open(name: string): { sandbox: Sandbox; workspace: Workspace; states: { state: string; message: string }[] };
  /** From outside, without the sandbox's knowledge. */
  stop(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Requests a link like a browser; null where this runtime can't. */
  visit: ((url: string) => Promise<string>) | null;
  /** A port of the sandbox's own programs; null where it has none. */
  own_port: number | null;
  close(): Promise<void>;
}

export let fixture: SandboxFixture;
export let sandbox: Sandbox;
let count = 0;

export function enter(opened: SandboxFixture): void {
  fixture = opened;
  sandbox = opened.open("contract").sandbox;
}

export function ignore(): void {}

export function newId(): string {
  return `call_${++count}`;
}

/** A test that waits for ever would not show where. */
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

/** For plain text, unless `options` say otherwise. */
export function search(path: string, pattern: string, options: Partial<FileSearch> = {}): Promise<FileSearchResult> {
  const plain = { is_expression: false, ignore_case: false, glob: null };
  return sandbox.searchFiles({ path, pattern, ...plain, ...options }, untilEnd());
}

export async function readText(path: string): Promise<string> {
  return decoder.decode(await sandbox.readFile(path, untilEnd()));
}
