// Port: a sandbox, the computer of one project. It is made on first use and started when it was stopped; whoever calls
// a method need not know in which state it is.
import type { SandboxGit } from "./sandbox-git.ts";

export interface CommandRequest {
  /** Names the command for ever: run again with the same id, it is re-attached and never started twice. */
  command_id: string;
  command: string;
  /** Relative to the work dir, or absolute. */
  cwd?: string;
  /** How long to wait for the end; the command itself goes on after that. */
  wait_ms: number;
}

export interface CommandState {
  /** Null while it runs. */
  exit_code: number | null;
  /** stdout and stderr so far, in the order they came; its middle is cut when it is long (`omitted_bytes`). */
  output: string;
  omitted_bytes: number;
}

export interface CommandInfo {
  command_id: string;
  command: string;
  exit_code: number | null;
}

export interface FileInfo {
  path: string;
  size: number;
  is_dir: boolean;
  modified_at: string;
}

export interface FileMatch {
  path: string;
  line: number;
  text: string;
}

export type OnOutput = (stream: "stdout" | "stderr", text: string) => void;

/** What every method may throw; anything else is a bug. */
export class SandboxError extends Error {
  /** `unavailable`: there is no sandbox to be had, and the run can't go on. The others are for the model to act on. */
  readonly code: "unavailable" | "not_found" | "invalid" | "too_large" | "refused" | "failed";

  constructor(code: SandboxError["code"], message: string) {
    super(message);
    this.name = "SandboxError";
    this.code = code;
  }
}

/**
 * Contract: methods reject with `SandboxError` only, stop waiting when `signal` aborts (then reject with its reason), and
 * bound what they hold in memory. Paths are relative to the work dir or absolute. Live output is a courtesy: `onOutput` may be
 * called late or not at all; the returned state is the truth.
 */
export interface Sandbox {
  runCommand(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState>;
  readCommand(command_id: string, signal: AbortSignal): Promise<CommandState>;
  sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void>;
  /** Ends the command and what it started; no error when it has ended already. */
  terminateCommand(command_id: string, signal: AbortSignal): Promise<void>;
  listCommands(signal: AbortSignal): Promise<CommandInfo[]>;
  /** Parents are made; the write is verified. */
  writeFile(path: string, content: Uint8Array, signal: AbortSignal): Promise<void>;
  readFile(path: string, signal: AbortSignal): Promise<Uint8Array>;
  /** `recursive` is needed for a folder. */
  deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void>;
  moveFile(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** Entries below `path`, at most `depth` levels, at most 1,000. */
  listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileInfo[]>;
  /** Paths whose base name fits the glob. */
  findFiles(path: string, glob: string, signal: AbortSignal): Promise<string[]>;
  /** Lines that contain the text. */
  searchFiles(path: string, text: string, signal: AbortSignal): Promise<FileMatch[]>;
  /** A link to what listens on the port, for a browser, and when it ends. */
  exposePort(port: number, signal: AbortSignal): Promise<{ url: string; expires_at: string }>;
  /** What the project asks for may have changed: the next use looks. */
  renew?(): void;
  /**
   * Counts as activity, often enough for the sandbox not to stop by itself; for one that was used since then (ms of the
   * clock) and no other. Asked now and then while a run works; most times it does nothing.
   */
  keepAlive?(used_since: number, signal: AbortSignal): Promise<void>;
  git: SandboxGit;
  /** What each thread is told of the sandbox, once: where the project's repository is, or why it could not be had. */
  readNews?(): string | null;
  /** What the model must know of the sandbox and can't see, told once: that it is a new one. */
  takeNotice?(): string | null;
}

/** Told of each change of the sandbox's state (`creating`, `started`, …), so that a reader sees why a tool waits. */
export type OnSandboxState = (state: string, message: string) => void;
