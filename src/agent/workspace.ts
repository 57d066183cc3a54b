// Port: a project's workspace, which is its sandbox as people use it beside the agent: state, whole files as streams,
// links, terminals. `Sandbox` is the same computer as tools use it.
import type { FileInfo } from "./sandbox.ts";

export interface WorkspaceState {
  /**
   * `none`, `creating`, `starting`, `started`, `stopping`, `stopped`, `archiving`, `archived`, `restoring`, `error`,
   * `build_failed` or `destroyed` where one of them fits: the page has texts for these. Otherwise the provider's own
   * word.
   */
  state: string;
  /** Why the state is an error. */
  reason: string | null;
  target: string | null;
  snapshot: string | null;
  /** Cores, GiB, GiB. */
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  auto_stop_minutes: number | null;
  auto_archive_minutes: number | null;
  created_at: string | null;
}

export interface FileListing {
  entries: FileInfo[];
  /** There are more than these. */
  is_cut: boolean;
}

/** A file as a stream. The receiver reads the body to its end or cancels it. */
export interface FileStream {
  /** The file's own name, without folders. */
  name: string;
  /** The body has exactly this many bytes, or fails. */
  size: number;
  body: ReadableStream<Uint8Array>;
  /** The `Content-Range` of a part; only the file's size, without a range, if the file has no such part. */
  part?: string;
}

export interface Upload {
  content: ReadableStream<Uint8Array>;
  /** More bytes than this are refused as `too_large`, whatever length was announced. */
  limit_bytes: number;
}

/** A link that the sandbox provider's proxy serves, and the token that revokes it. */
export interface SignedLink {
  url: string;
  token: string;
  expires_at: string;
}

/** Where our preview proxy reaches the program that listens on a port. */
export interface PortEndpoint {
  /** Has no trailing slash: the visitor's path is appended. */
  address: string;
  /**
   * Sent with each request. They grant access to the sandbox until it stops: no visitor and no program may see them.
   */
  headers: Readonly<Record<string, string>>;
}

export interface TerminalRequest {
  /** Names the shell: the same name reaches the same shell while it runs. */
  session: string;
  cols: number;
  rows: number;
}

export type TerminalEnd = { exit_code: number } | { error: string };

/** Called in this order: `onReady` once, `onOutput` any number of times, `onEnd` once. */
export interface TerminalEvents {
  /** `is_resumed`: the shell already existed. */
  onReady(is_resumed: boolean): void;
  onOutput(bytes: Uint8Array): void;
  /** The shell has ended, or the connection to it was lost. */
  onEnd(end: TerminalEnd): void;
}

export interface Terminal {
  write(bytes: Uint8Array): void;
  /** Bytes written and not yet sent. */
  readonly unsent_bytes: number;
  resize(cols: number, rows: number): Promise<void>;
  /** Disconnects from the shell, which continues. No event is called after this. */
  leave(): void;
}

/** Access by `ssh`. `user` is the secret. */
export interface SshAccess {
  command: string;
  user: string;
  host: string;
  port: number | null;
  /** The work dir. */
  folder: string;
  expires_at: string;
}

/**
 * Contract: methods reject with `SandboxError` only, and stop waiting when `signal` aborts (then reject with its
 * reason). A method that needs a running sandbox creates or starts it; reading the state, stopping, archiving and
 * destroying never do. File paths are relative to the work dir, or absolute within it. A path that leads out of it,
 * also through a link, is refused. An optional method is an ability that a provider may lack: people see that it is
 * missing, and everything else works.
 */
export interface Workspace {
  readState(signal: AbortSignal): Promise<WorkspaceState>;
  /** Creates the sandbox if there is none. Resolves when it runs. */
  start(signal: AbortSignal): Promise<WorkspaceState>;
  /** Ends the processes and keeps the files. No error if the sandbox does not run. */
  stop(signal: AbortSignal): Promise<WorkspaceState>;
  /** Moves the sandbox to cheaper storage, and stops it first if it runs. */
  archive?(signal: AbortSignal): Promise<WorkspaceState>;
  /** Deletes the sandbox with its files. Does nothing if there is none, or if `isTarget` rejects its labels. */
  destroy(signal: AbortSignal, isTarget?: (labels: Record<string, string>) => boolean): Promise<void>;
  /** Entries below a folder, at most `depth` levels, at most 1,000. */
  listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileListing>;
  /** `range` is an HTTP range, `bytes=0-99`. A provider without ranges returns the whole file. */
  openFile(path: string, range: string | null, signal: AbortSignal): Promise<FileStream>;
  /** Atomic: an existing file stays unchanged until the new one is complete. Creates parent folders. */
  writeFile(path: string, upload: Upload, signal: AbortSignal): Promise<{ file: FileInfo; is_new: boolean }>;
  /** A folder needs `recursive`. For a link, deletes the link itself. */
  deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void>;
  /** A folder as a gzipped tar, which is complete before its first byte is sent. */
  openArchive?(path: string, signal: AbortSignal): Promise<FileStream>;
  /** `seconds` is at most the provider's `max_link_seconds`. */
  signLink(port: number, seconds: number, signal: AbortSignal): Promise<SignedLink>;
  /** No error if the link has expired or the sandbox is gone. */
  expireLink(port: number, token: string, signal: AbortSignal): Promise<void>;
  /** Null if the sandbox does not run: a visitor does not start it. */
  findEndpoint(port: number, signal: AbortSignal): Promise<PortEndpoint | null>;
  openTerminal?(request: TerminalRequest, events: TerminalEvents, signal: AbortSignal): Promise<Terminal>;
  /** Revokes the access that was opened before. */
  openSsh?(minutes: number, signal: AbortSignal): Promise<SshAccess>;
  /** No error if none is open. */
  closeSsh?(signal: AbortSignal): Promise<void>;
}
