// A sandbox in memory: files in a map, commands that a test scripts. It keeps the port's contract and records what was asked.
import {
  type CommandInfo,
  type CommandRequest,
  type CommandState,
  type FileInfo,
  type FileMatch,
  type OnOutput,
  type Sandbox,
  SandboxError,
} from "../../src/agent/sandbox.ts";
import { MemoryGit } from "./memory-git.ts";

/** What a command does: its output and its exit code, null where it goes on running; "hang" never answers. */
export type CommandScript = (command: string) => { output: string; exit_code: number | null } | "hang";

interface Command {
  command: string;
  state: CommandState;
  input: string[];
}

export class MemorySandbox implements Sandbox {
  readonly files = new Map<string, Uint8Array>();
  readonly commands = new Map<string, Command>();
  readonly requests: CommandRequest[] = [];
  /** When set, every method rejects with it. */
  failure: SandboxError | null = null;
  /** Bytes that a command's output is said to be short of. */
  omitted_bytes = 0;
  readonly git = new MemoryGit();
  readonly #script: CommandScript;

  constructor(script: CommandScript = () => ({ output: "", exit_code: 0 })) {
    this.#script = script;
  }

  putText(path: string, text: string): void {
    this.files.set(path, new TextEncoder().encode(text));
  }

  getText(path: string): string | undefined {
    const bytes = this.files.get(path);
    return bytes && new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
  }

  async runCommand(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState> {
    this.#check(signal);
    this.requests.push(request);
    const known = this.commands.get(request.command_id);
    if (known) return known.state;
    const outcome = this.#script(request.command);
    const state = outcome === "hang" ? { output: "", exit_code: null } : outcome;
    const command = { command: request.command, state: { ...state, omitted_bytes: this.omitted_bytes }, input: [] };
    this.commands.set(request.command_id, command);
    if (outcome === "hang") await untilAborted(signal);
    if (state.output !== "") onOutput("stdout", state.output);
    return command.state;
  }

  async readCommand(command_id: string, signal: AbortSignal): Promise<CommandState> {
    this.#check(signal);
    return this.#command(command_id).state;
  }

  async sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void> {
    this.#check(signal);
    const command = this.#command(command_id);
    if (command.state.exit_code !== null) throw new SandboxError("refused", "The command has ended.");
    command.input.push(input);
  }

  async terminateCommand(command_id: string, signal: AbortSignal): Promise<void> {
    this.#check(signal);
    const { state } = this.#command(command_id);
    state.exit_code ??= 143;
  }

  async listCommands(signal: AbortSignal): Promise<CommandInfo[]> {
    this.#check(signal);
    return [...this.commands].map(([command_id, { command, state }]) => ({
      command_id,
      command,
      exit_code: state.exit_code,
    }));
  }

  async writeFile(path: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#check(signal);
    this.files.set(path, content);
  }

  async readFile(path: string, signal: AbortSignal): Promise<Uint8Array> {
    this.#check(signal);
    return this.#file(path);
  }

  async deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void> {
    this.#check(signal);
    const below = this.#below(path);
    if (below.length > 0 && !recursive) throw new SandboxError("refused", `${path} is a folder.`);
    if (below.length === 0) this.#file(path);
    for (const name of [path, ...below]) this.files.delete(name);
  }

  async moveFile(from: string, to: string, signal: AbortSignal): Promise<void> {
    this.#check(signal);
    const content = this.#file(from);
    if (this.files.has(to)) throw new SandboxError("refused", `${to} exists already.`);
    this.files.delete(from);
    this.files.set(to, content);
  }

  async listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileInfo[]> {
    this.#check(signal);
    const entries = new Map<string, FileInfo>();
    for (const name of this.#below(path)) {
      const start = path === "." ? 0 : path.split("/").length;
      const steps = name.split("/");
      for (let end = start + 1; end <= Math.min(start + depth, steps.length); end++) {
        const is_dir = end < steps.length;
        const entry = steps.slice(0, end).join("/");
        const size = is_dir ? 0 : (this.files.get(name)?.length ?? 0);
        entries.set(entry, { path: entry, size, is_dir, modified_at: "2026-01-01T00:00:00.000Z" });
      }
    }
    if (entries.size === 0 && path !== ".") throw new SandboxError("not_found", `There is no folder ${path}.`);
    return [...entries.values()].slice(0, 1_000);
  }

  async findFiles(path: string, glob: string, signal: AbortSignal): Promise<string[]> {
    this.#check(signal);
    const parts = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const fits = new RegExp(`^${parts.join(".*")}$`);
    return this.#below(path).filter((name) => fits.test(name.slice(name.lastIndexOf("/") + 1)));
  }

  async searchFiles(path: string, text: string, signal: AbortSignal): Promise<FileMatch[]> {
    this.#check(signal);
    return this.#below(path).flatMap((name) =>
      (this.getText(name) ?? "").split("\n").flatMap((line, index) => {
        return line.includes(text) ? [{ path: name, line: index + 1, text: line }] : [];
      }),
    );
  }

  async exposePort(port: number, signal: AbortSignal): Promise<{ url: string; expires_at: string }> {
    this.#check(signal);
    return { url: `http://${port}-sandbox.localhost/`, expires_at: "2026-01-02T00:00:00.000Z" };
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.failure) throw this.failure;
  }

  #file(path: string): Uint8Array {
    const content = this.files.get(path);
    if (!content) throw new SandboxError("not_found", `There is no file ${path}.`);
    return content;
  }

  #command(command_id: string): Command {
    const command = this.commands.get(command_id);
    if (!command) throw new SandboxError("not_found", `There is no command ${command_id}.`);
    return command;
  }

  #below(path: string): string[] {
    const names = [...this.files.keys()];
    return path === "." ? names : names.filter((name) => name.startsWith(`${path}/`));
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
