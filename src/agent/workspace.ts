// Port: a project's workspace, which is its sandbox as people use it beside the agent: its state, whole files as streams,
// links, terminals. `Sandbox` is the same computer as tools use it.
import type { FileInfo } from "./sandbox.ts";

export interface WorkspaceState {
  /**
   * `none`, `creating`, `starting`, `started`, `stopping`, `stopped`, `archiving`, `archived`, `restoring`, `error`,
   * `build_failed` or `destroyed`, as far as these fit: the page has words for them. Else a word of the provider's own.
   */
  state: string;
  /** Why it is in an error. */
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

/** Bytes on their way out. Whoever has them reads them to their end or cancels them. */
export interface FileStream {
  /** Of the file itself, without folders. */
  name: string;
  /** The body has exactly these many bytes, or fails. */
  size: number;
  body: ReadableStream<Uint8Array>;
  /** Where a part lies in its file, as `Content-Range` says it; without an end and bytes where the file has no such part. */
  part?: string;
}

export interface Upload {
  content: ReadableStream<Uint8Array>;
  /** More than this are refused as `too_large`, however many were announced. */
  limit_bytes: number;
}

/** A link that the sandbox's own proxy serves, and what ends it. */
export interface SignedLink {
  url: string;
  token: string;
  expires_at: string;
}

/** Where a proxy of ours reaches what listens on a port. */
export interface PortEntry {
  /** Without a slash at its end: the path that a visitor asked for follows. */
  address: string;
  /** Sent with each request: they open the sandbox until it is stopped. No visitor and no program may see them. */
  headers: Readonly<Record<string, string>>;
}

export interface TerminalRequest {
  /** Names the shell: the same name reaches the same one while it lives. */
  session: string;
  cols: number;
  rows: number;
}

export type TerminalEnd = { exit_code: number } | { error: string };

/** Called in this order: once, any number of times, once. */
export interface TerminalEvents {
  /** Whether the shell was there already. */
  onReady(is_resumed: boolean): void;
  onOutput(bytes: Uint8Array): void;
  /** The shell has ended, or the way to it. */
  onEnd(end: TerminalEnd): void;
}

export interface Terminal {
  write(bytes: Uint8Array): void;
  /** Written, and not yet sent. */
  readonly unsent_bytes: number;
  resize(cols: number, rows: number): Promise<void>;
  /** Leaves the shell, which goes on. Nothing is called after this. */
  leave(): void;
}

/** A way in for `ssh`; `user` is the secret of it. */
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
 * Contract: methods reject with `SandboxError` only, and stop waiting when `signal` aborts (then reject with its reason).
 * What needs a running sandbox makes or starts it; reading the state, stopping, archiving and destroying never do.
 * Paths of files are relative to the work dir, or absolute within it; what leads out of it, also by a link, is refused.
 * An optional method is an ability that a provider may lack; people then see that, and everything else works.
 */
export interface Workspace {
  readState(signal: AbortSignal): Promise<WorkspaceState>;
  /** Made where there is none. Resolves when it runs. */
  start(signal: AbortSignal): Promise<WorkspaceState>;
  /** No error where it does not run. Its processes end, its files stay. */
  stop(signal: AbortSignal): Promise<WorkspaceState>;
  /** Moves a stopped one to cheaper storage; stops it first. */
  archive?(signal: AbortSignal): Promise<WorkspaceState>;
  /** Deletes it with its files. No error where there is none, or where its labels are not those of the one that is meant. */
  destroy(signal: AbortSignal, isMeant?: (labels: Record<string, string>) => boolean): Promise<void>;
  /** Entries below a folder, at most `depth` levels, at most 1,000. */
  listFiles(path: string, depth: number, signal: AbortSignal): Promise<FileListing>;
  /** `range` is one of HTTP's, `bytes=0-99`; the whole file comes where the sandbox knows no parts. */
  openFile(path: string, range: string | null, signal: AbortSignal): Promise<FileStream>;
  /** Whole or not at all: a file that was there stays as it is until all of the new one is. Parents are made. */
  writeFile(path: string, upload: Upload, signal: AbortSignal): Promise<{ file: FileInfo; is_new: boolean }>;
  /** `recursive` is needed for a folder. Of a link the link itself goes. */
  deleteFile(path: string, recursive: boolean, signal: AbortSignal): Promise<void>;
  /** A folder as a gzipped tar, which is made before the first byte comes. */
  openArchive?(path: string, signal: AbortSignal): Promise<FileStream>;
  /** `seconds` are the provider's `max_link_seconds` at most. */
  signLink(port: number, seconds: number, signal: AbortSignal): Promise<SignedLink>;
  /** No error where it has ended, or the sandbox is gone. */
  expireLink(port: number, token: string, signal: AbortSignal): Promise<void>;
  /** Null where the sandbox does not run: it is not started for a visitor. */
  findEntry(port: number, signal: AbortSignal): Promise<PortEntry | null>;
  openTerminal?(request: TerminalRequest, events: TerminalEvents, signal: AbortSignal): Promise<Terminal>;
  /** The former one ends. */
  openSsh?(minutes: number, signal: AbortSignal): Promise<SshAccess>;
  /** No error where there is none. */
  closeSsh?(signal: AbortSignal): Promise<void>;
}
