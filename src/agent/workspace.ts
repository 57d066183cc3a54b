// Port: a project's workspace, which is its sandbox as people use it beside the agent: its state, whole files as streams,
// links, terminals. `Sandbox` is the same computer as tools use it.

export interface WorkspaceState {
  /** Daytona's word for it; `none` where there is no sandbox. */
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

/**
 * Contract: methods reject with `SandboxError` only, and stop waiting when `signal` aborts (then reject with its reason).
 * What needs a running sandbox makes or starts it; reading the state, stopping, archiving and destroying never do.
 */
export interface Workspace {
  readState(signal: AbortSignal): Promise<WorkspaceState>;
  /** Made where there is none. Resolves when it runs. */
  start(signal: AbortSignal): Promise<WorkspaceState>;
  /** No error where it does not run. Its processes end, its files stay. */
  stop(signal: AbortSignal): Promise<WorkspaceState>;
  /** Moves a stopped one to cheaper storage; stops it first. */
  archive(signal: AbortSignal): Promise<WorkspaceState>;
  /** Deletes it with its files. No error where there is none, or where its labels are not those of the one that is meant. */
  destroy(signal: AbortSignal, isMeant?: (labels: Record<string, string>) => boolean): Promise<void>;
}
