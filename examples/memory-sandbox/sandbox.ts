// A sandbox in memory: files in a map, and commands that a small shell or a test's script runs.
import {
  type CommandInfo,
  type CommandRequest,
  type CommandState,
  type FileInfo,
  type FileSearch,
  type FileSearchResult,
  type OnOutput,
  type Sandbox,
  SandboxError,
} from "../../src/agent/sandbox.ts";
import type { SandboxGit } from "../../src/agent/sandbox-git.ts";
import { type CommandScript, MemoryCommands } from "./commands.ts";
import { MemoryFiles } from "./files.ts";
import { createShell } from "./shell.ts";

const MAX_LISTED = 1_000;

export class MemorySandbox implements Sandbox {
  readonly files = new MemoryFiles();
  readonly git: SandboxGit = noGit;
  readonly #commands: MemoryCommands;

  constructor(script: CommandScript = createShell(this.files)) {
    this.#commands = new MemoryCommands(script);
  }

  get commands(): MemoryCommands["all"] {
    return this.#commands.all;
  }

  putText(path: string, text: string): void {
    this.files.write(path, new TextEncoder().encode(text));
  }

  getText(path: string): string {
    return new TextDecoder("utf-8", { ignoreBOM: true, fatal: false }).decode(this.files.read(path));
  }

  async runCommand(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState> {
    signal.throwIfAborted();
    return this.#commands.run(request, this.files.resolve(request.cwd ?? ""), onOutput, signal);
  }

  async readCommand(command_id: string, signal: AbortSignal): Promise<CommandState> {
    signal.throwIfAborted();
    return this.#commands.read(command_id);
  }

  async sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#commands.sendInput(command_id, input);
  }

  async terminateCommand(command_id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#commands.terminate(command_id);
  }

  async listCommands(signal: AbortSignal): Promise<CommandInfo[]> {
    signal.throwIfAborted();
    return this.#commands.list();
  }

  async writeFile(path: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.files.write(path, content);
  }

  async readFile(path: string, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    return this.files.read(path);
  }

  async deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.files.delete(path, recursive);
  }

  async moveFile(from: string, to: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.files.move(from, to);
  }

  async listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileInfo[]> {
    signal.throwIfAborted();
    return this.files.list(path, depth).slice(0, MAX_LISTED);
  }

  async findFiles(path: string, glob: string, signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    return this.files.find(path, glob);
  }

  async searchFiles(search: FileSearch, signal: AbortSignal): Promise<FileSearchResult> {
    signal.throwIfAborted();
    return { matches: this.files.search(search), problem: null };
  }

  async exposePort(port: number, signal: AbortSignal): Promise<never> {
    signal.throwIfAborted();
    throw nothingListens(port);
  }

  /** Ends all commands, as switching a machine off does. */
  stop(): void {
    this.#commands.terminateAll();
  }
}

/** Programs in memory open no ports. */
export function nothingListens(port: number): SandboxError {
  return new SandboxError("failed", `Nothing listens on port ${port}.`);
}

async function refuseGit(): Promise<never> {
  throw new SandboxError("refused", "A sandbox in memory has no git.");
}

export const noGit: SandboxGit = {
  clone: refuseGit,
  status: refuseGit,
  commit: refuseGit,
  push: refuseGit,
  pull: refuseGit,
  listBranches: refuseGit,
  createBranch: refuseGit,
  checkoutBranch: refuseGit,
  deleteBranch: refuseGit,
};
