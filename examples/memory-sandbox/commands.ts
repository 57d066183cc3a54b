// Commands of a sandbox in memory: each starts once under its id, continues when nobody waits, and keeps its output.
import {
  type CommandInfo,
  type CommandRequest,
  type CommandState,
  type OnOutput,
  SandboxError,
} from "../../src/agent/sandbox.ts";
import { OutputCollector } from "../../src/sandboxes/output-collector.ts";

const MAX_OUTPUT_BYTES = 64 * 1024;
/** The longest single argument that Linux accepts. */
const MAX_COMMAND_BYTES = 128 * 1024;
const MAX_COMMANDS = 1_000;
const MAX_LINES = 1_000;
const KILLED = 143;

/** The environment of a running command. */
export interface Process {
  readonly cwd: string;
  /** Aborts when the command is terminated. */
  readonly signal: AbortSignal;
  print(text: string): void;
  readLine(): Promise<string>;
}

export interface Outcome {
  output?: string;
  /** Null if the command keeps running without further output, as a server does. */
  exit_code: number | null;
  /** How many bytes the script left out of `output`. */
  omitted_bytes?: number;
}

/** Replaces a shell. `hang` runs until it is terminated. */
export type CommandScript = (command: string, process: Process) => Outcome | "hang" | Promise<Outcome>;

interface Command {
  command: string;
  state: CommandState;
  input: string[];
  /** How many lines of `input` the command has read. */
  taken: number;
  output: OutputCollector;
  listeners: Set<OnOutput>;
  /** Wakes a pending `readLine`. */
  onInput: () => void;
  end: AbortController;
  /** Resolves when the command has ended, or runs on without further output. */
  answered: Promise<void>;
}

export class MemoryCommands {
  readonly all = new Map<string, Command>();
  readonly #script: CommandScript;

  constructor(script: CommandScript) {
    this.#script = script;
  }

  async run(request: CommandRequest, cwd: string, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState> {
    const command = this.all.get(request.command_id) ?? this.#start(request, cwd);
    if (command.state.output !== "") onOutput("stdout", command.state.output);
    command.listeners.add(onOutput);
    try {
      await waitFor(command.answered, request.wait_ms, signal);
    } finally {
      command.listeners.delete(onOutput);
    }
    return { ...command.state };
  }

  read(command_id: string): CommandState {
    return { ...this.#require(command_id).state };
  }

  sendInput(command_id: string, input: string): void {
    const command = this.#require(command_id);
    if (command.state.exit_code !== null) throw new SandboxError("failed", "The command has ended.");
    if (input.length > MAX_COMMAND_BYTES || command.input.length >= MAX_LINES) {
      throw new SandboxError("invalid", `At most ${MAX_LINES} lines of ${MAX_COMMAND_BYTES} characters are taken.`);
    }
    command.input.push(input);
    command.onInput();
  }

  terminate(command_id: string): void {
    const command = this.#require(command_id);
    command.state.exit_code ??= KILLED;
    command.end.abort(new Error("terminated"));
  }

  terminateAll(): void {
    for (const command_id of this.all.keys()) this.terminate(command_id);
  }

  list(): CommandInfo[] {
    return [...this.all].map(([command_id, { command, state }]) => ({
      command_id,
      command,
      exit_code: state.exit_code,
    }));
  }

  #start({ command_id, command }: CommandRequest, cwd: string): Command {
    if (command.includes("\0") || new TextEncoder().encode(command).length > MAX_COMMAND_BYTES) {
      throw new SandboxError("invalid", `A command is text of at most ${MAX_COMMAND_BYTES} bytes without NUL.`);
    }
    if (this.all.size >= MAX_COMMANDS) throw new SandboxError("failed", `At most ${MAX_COMMANDS} commands are kept.`);
    const started: Command = {
      command,
      state: { exit_code: null, output: "", omitted_bytes: 0 },
      input: [],
      taken: 0,
      output: new OutputCollector(MAX_OUTPUT_BYTES),
      listeners: new Set(),
      onInput: () => {},
      end: new AbortController(),
      answered: Promise.resolve(),
    };
    this.all.set(command_id, started);
    const { signal } = started.end;
    const print = (text: string) => show(started, text);
    const outcome = this.#script(command, { cwd, signal, print, readLine: () => readLine(started) });
    if (outcome instanceof Promise || outcome === "hang") {
      const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      const done = outcome === "hang" ? ended : outcome.then((value) => finish(started, value));
      started.answered = Promise.race([ended, done]);
    } else finish(started, outcome);
    return started;
  }

  #require(command_id: string): Command {
    const command = this.all.get(command_id);
    if (!command) throw new SandboxError("not_found", `There is no command ${command_id}.`);
    return command;
  }
}

function show(command: Command, text: string): void {
  if (text === "" || command.end.signal.aborted) return;
  command.output.push(text);
  Object.assign(command.state, command.output.read());
  for (const onOutput of command.listeners) onOutput("stdout", text);
}

function finish(command: Command, { output = "", exit_code, omitted_bytes = 0 }: Outcome): void {
  if (command.end.signal.aborted) return;
  show(command, output);
  command.state.omitted_bytes += omitted_bytes;
  command.state.exit_code = exit_code;
}

/** Rejects when the command is terminated. */
async function readLine(command: Command): Promise<string> {
  while (command.taken >= command.input.length) {
    await waitFor(
      new Promise<void>((resolve) => Object.assign(command, { onInput: resolve })),
      null,
      command.end.signal,
    );
  }
  return (command.input[command.taken++] ?? "").replace(/\n$/, "");
}

/** Resolves with `promise`, or after `limit_ms`; rejects with the signal's reason. */
export async function waitFor(promise: Promise<void>, limit_ms: number | null, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const end = Promise.withResolvers<void>();
  const timer = limit_ms === null ? undefined : setTimeout(end.resolve, limit_ms);
  const leave = () => end.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([promise, end.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
  }
}
