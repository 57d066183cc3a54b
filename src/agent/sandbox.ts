// Port: a sandbox, the computer of one project. Any method creates it on first use and starts it when it is stopped, so
// callers need not know its state.
import type { CheckPlace } from "./checks/place.ts";
import type { SandboxGit } from "./sandbox-git.ts";

export interface CommandRequest {
  /** Identifies the command for good: a second run with the same id re-attaches to it and never starts it again. */
  command_id: string;
  command: string;
  /** Relative to the work dir, or absolute. */
  cwd?: string;
  /** How long to wait for the end, or for a question that it asks. The command itself continues after that. */
  wait_ms: number;
}

export interface CommandState {
  /** Null while it runs. */
  exit_code: number | null;
  /** stdout and stderr so far, in order of arrival. The middle of a long output is cut (`omitted_bytes`). */
  output: string;
  omitted_bytes: number;
  /** It runs, prints nothing and reads its input. Left out if that is not so, or can't be determined. */
  waits_for_input?: boolean;
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

export interface FileSearch {
  /** A folder to search below, or one file. */
  path: string;
  /** Within one line. */
  pattern: string;
  /** A regular expression in the form that Perl, JavaScript and Rust share; else a text exactly as written. */
  is_expression: boolean;
  ignore_case: boolean;
  /** Only files that fit: a glob for the base name, perhaps with folders and braces before it. */
  glob: string | null;
}

export interface FileSearchResult {
  matches: FileMatch[];
  /** Why some lines may be missing beyond the limit of 1,000, in a sentence; null if none is. */
  problem: string | null;
}

/** What only the sandbox itself knows. All texts come from its programs and files. */
export interface SandboxFacts {
  /** The distribution and the processor; empty if it does not say. */
  system: string;
  work_dir: string;
  programs: { name: string; version: string | null }[];
  /** Whether there is a route to other machines; null if it can't be determined. No request is made for this. */
  has_route: boolean | null;
  /** The notes of the project's checkout, or else of the work dir. */
  notes: ProjectNotes | null;
}

/** What a repository says to agents: its AGENTS.md, or else its CLAUDE.md. */
export interface ProjectNotes {
  path: string;
  /** The beginning, more than is shown of it. */
  text: string;
  is_cut: boolean;
}

/** `sandbox` identifies what was introduced. */
export interface Introduction {
  sandbox: string;
  text: string;
}

/** Where a path leads. */
export interface SandboxPlace {
  /** Relative to the work dir; null if it is not strictly inside. */
  below: string | null;
  /**
   * Null for a plain file, and for one that is not there yet. `link`: on the way to it or at its end. `special`: no
   * regular file, an executable one, or one with several names. `path`: below a folder in which programs are looked up.
   * `hidden`: what is below it has a name that begins with a dot.
   */
  doubt: "hidden" | "link" | "special" | "path" | "unknown" | null;
}

export type OnOutput = (stream: "stdout" | "stderr", text: string) => void;

/** The only error that methods may throw; any other is a bug. */
export class SandboxError extends Error {
  /** `unavailable`: no sandbox can be had, and the run can't continue. The model can act on the others. */
  readonly code: "unavailable" | "not_found" | "invalid" | "too_large" | "refused" | "quota_exceeded" | "failed";
  /** Of a quota that begins anew: when. */
  readonly retry_after_s: number | undefined;

  constructor(code: SandboxError["code"], message: string, retry_after_s?: number) {
    super(message);
    this.name = "SandboxError";
    this.code = code;
    this.retry_after_s = retry_after_s;
  }
}

/**
 * Contract: methods reject with `SandboxError` only, stop waiting when `signal` aborts (then reject with its reason),
 * and bound what they hold in memory. Paths are relative to the work dir or absolute. Live output is best effort:
 * `onOutput` may be called late or not at all, and the returned state is authoritative.
 */
export interface Sandbox {
  runCommand(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState>;
  readCommand(command_id: string, signal: AbortSignal): Promise<CommandState>;
  sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void>;
  /** Ends the command and the processes it started. No error if it has already ended. */
  terminateCommand(command_id: string, signal: AbortSignal): Promise<void>;
  listCommands(signal: AbortSignal): Promise<CommandInfo[]>;
  /** Creates parent folders, and verifies the write. */
  writeFile(path: string, content: Uint8Array, signal: AbortSignal): Promise<void>;
  readFile(path: string, signal: AbortSignal): Promise<Uint8Array>;
  /** A folder needs `recursive`. */
  deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void>;
  moveFile(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** Entries below `path`, at most `depth` levels, at most 1,000. */
  listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileInfo[]>;
  /** Paths whose base name matches the glob. */
  findFiles(path: string, glob: string, signal: AbortSignal): Promise<string[]>;
  /**
   * Lines that match, at most 1,000, in files with text; not in `.git` and `node_modules` below the folder. Rejects
   * with `invalid` and its engine's own sentence for a wrong expression, or for any if it has no engine.
   */
  searchFiles(search: FileSearch, signal: AbortSignal): Promise<FileSearchResult>;
  /**
   * Where paths lead, in their order. What is below a tree comes or goes with it. Null, or left out, only for a sandbox
   * that has no links and no programs.
   */
  locate?(paths: readonly { path: string; is_tree?: boolean }[], signal: AbortSignal): Promise<SandboxPlace[] | null>;
  /** A link to the program that listens on the port, for a browser, and when the link expires. */
  exposePort(port: number, signal: AbortSignal): Promise<{ url: string; expires_at: string }>;
  /** Null if the sandbox was not used so far: none is made or started for this. Takes a few seconds at most. */
  readFacts?(signal: AbortSignal): Promise<SandboxFacts | null>;
  /** Of a repository's folder. Null if it has none that is a regular file of text. */
  readNotes?(folder: string, signal: AbortSignal): Promise<ProjectNotes | null>;
  /** The project's settings may have changed: the next use reads them again. */
  renew?(): void;
  /**
   * Keeps the sandbox from its auto-stop, if it was used since `used_since` (milliseconds since the epoch). A run calls
   * this regularly while it works; most calls do nothing.
   */
  keepAlive?(used_since: number, signal: AbortSignal): Promise<void>;
  git: SandboxGit;
  /** Where checks of tasks run. Left out by a sandbox without that ability: checks then end as `not_run`. */
  checks?: CheckPlace;
  /** A notice that each thread sees once: where the project's repository is, or why it could not be cloned. */
  readRepositoryNotice?(): string | null;
  /**
   * What people gave to the commands, by name and without values. Each thread sees it once, and again when it changes.
   */
  readSecretsNotice?(): string | null;
  /**
   * Replaces the values that people gave to the commands as secrets, which files and other answers may have, too.
   * Rejects if the values are not known.
   */
  hideSecrets?(text: string, signal: AbortSignal): Promise<string>;
  /** Returned once: a fact about the sandbox that the model can't see itself, namely that the sandbox is a new one. */
  takeNotice?(): string | null;
}

/** Called on each change of the sandbox's state (`creating`, `started`, …), so that a reader sees why a tool waits. */
export type OnSandboxState = (state: string, message: string) => void;
