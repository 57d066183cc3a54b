// Port: git in a sandbox. Callers name folders and branches, never a credential: implementations look the credential up
// by the remote's host (`GitAccess`), so that no tool, prompt or result can contain one.
import type { GitLogin } from "../protocol/git-credential.ts";

/** An implementation asks this before it contacts a remote. */
export interface GitAccess {
  /**
   * The credential for this address; null if none is stored for its host. Rejects with `SandboxError` if the address is
   * not allowed, or its credential can't be read.
   */
  findLogin(url: string): Promise<GitLogin | null>;
}

export interface GitCloneRequest {
  url: string;
  path: string;
  /** Tried in this order. Empty: the remote's default branch. */
  branches: string[];
}

/** A repository's folder, relative to the work dir if it is inside, and its branch. */
export interface GitCheckout {
  path: string;
  /** Null if none is checked out. */
  branch: string | null;
  /** What the caller should know beside that, in a sentence. */
  note?: string;
  /** Hooks of the repository that did not run. */
  skipped_hooks?: string[];
  /** Of a pull: how many commits it brought. Left out where that is not known. */
  commits?: number;
}

export interface GitChange {
  path: string;
  /** One word each: `Modified`, `Untracked`, …, or `Unmodified`. */
  staged: string;
  unstaged: string;
}

export interface GitStatus extends GitCheckout {
  changes: GitChange[];
  /** Commits that only this repository has, and that only the remote has, as of the last pull. */
  ahead: number;
  behind: number;
  is_published: boolean;
}

export interface GitCommitRequest {
  message: string;
  /** Relative to the repository. Null: all changes. */
  files: string[] | null;
  /** Null: the author in the repository's settings, or else the agent. */
  author: string | null;
  email: string | null;
  /** Run the repository's hooks. A restricted git refuses that. */
  run_hooks?: boolean;
}

export interface GitCommit extends GitCheckout {
  hash: string;
}

export interface GitBranches extends GitCheckout {
  branches: string[];
}

/**
 * Contract: as `Sandbox`. A `path` is a repository's folder or a folder inside it. Null is the project's own
 * repository, or else the only one in the work dir.
 */
export interface SandboxGit {
  /**
   * The same, for agents whose commands need approval: runs no hook, filter or other program that settings or files
   * name, and refuses where it can't work without one. Left out by a sandbox whose git never runs any.
   */
  restricted?: SandboxGit;
  clone(request: GitCloneRequest, signal: AbortSignal): Promise<GitCheckout>;
  status(path: string | null, signal: AbortSignal): Promise<GitStatus>;
  /** Null if there was nothing to commit. */
  commit(path: string | null, request: GitCommitRequest, signal: AbortSignal): Promise<GitCommit | null>;
  /**
   * `branch`, if given, must be the one that is checked out. Creates the remote's branch of that name if it is missing.
   */
  push(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout>;
  /** As `push`. */
  pull(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout>;
  listBranches(path: string | null, signal: AbortSignal): Promise<GitBranches>;
  /** Creates the branch from what is checked out, and does not check it out. */
  createBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
  checkoutBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
  deleteBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
}

/** Git behind another one's methods: `use` decides how each call is made. */
export function wrapGit(
  use: <Value>(work: (git: SandboxGit) => Promise<Value>, signal: AbortSignal) => Promise<Value>,
): SandboxGit {
  return {
    clone: (request, signal) => use((git) => git.clone(request, signal), signal),
    status: (path, signal) => use((git) => git.status(path, signal), signal),
    commit: (path, request, signal) => use((git) => git.commit(path, request, signal), signal),
    push: (path, branch, signal) => use((git) => git.push(path, branch, signal), signal),
    pull: (path, branch, signal) => use((git) => git.pull(path, branch, signal), signal),
    listBranches: (path, signal) => use((git) => git.listBranches(path, signal), signal),
    createBranch: (path, name, signal) => use((git) => git.createBranch(path, name, signal), signal),
    checkoutBranch: (path, name, signal) => use((git) => git.checkoutBranch(path, name, signal), signal),
    deleteBranch: (path, name, signal) => use((git) => git.deleteBranch(path, name, signal), signal),
  };
}
