// Port: git in a sandbox. Whoever calls it names folders and branches and never a credential: what a remote asks for is
// found by its host below this port (`GitAccess`), so that no tool, prompt or result can hold one.
import type { GitLogin } from "../protocol/git-credential.ts";

/** What an implementation asks before it lets a remote be reached. */
export interface GitAccess {
  /**
   * The credential for this address, null where none is stored for its host. Rejects with `SandboxError` where the address
   * may not be reached, or where its credential can't be had.
   */
  findLogin(url: string): Promise<GitLogin | null>;
}

export interface GitCloneRequest {
  url: string;
  /** Null: a folder of the repository's name in the work dir. */
  path: string | null;
  /** Tried in this order; none: the remote's own default. */
  branches: string[];
}

/** A repository's folder as files are named (relative to the work dir where it lies in it), and its branch. */
export interface GitCheckout {
  path: string;
  /** Null where none is checked out. */
  branch: string | null;
}

export interface GitChange {
  path: string;
  /** One word each: `Modified`, `Untracked`, …; `Unmodified` where there is nothing. */
  staged: string;
  unstaged: string;
}

export interface GitStatus extends GitCheckout {
  changes: GitChange[];
  /** Commits that the remote does not have, and that only the remote has, as of the last pull. */
  ahead: number;
  behind: number;
  is_published: boolean;
}

export interface GitCommitRequest {
  message: string;
  /** Relative to the repository; null: all that is changed. */
  files: string[] | null;
  /** Null: whom the repository's settings name, or else the agent. */
  author: string | null;
  email: string | null;
}

export interface GitBranches extends GitCheckout {
  branches: string[];
}

/**
 * Contract: as `Sandbox`. A `path` is a repository's folder or one within it; null is the project's own repository, or
 * else the only one in the work dir.
 */
export interface SandboxGit {
  clone(request: GitCloneRequest, signal: AbortSignal): Promise<GitCheckout>;
  status(path: string | null, signal: AbortSignal): Promise<GitStatus>;
  /** Null where there was nothing to commit. */
  commit(
    path: string | null,
    request: GitCommitRequest,
    signal: AbortSignal,
  ): Promise<(GitCheckout & { hash: string }) | null>;
  /** `branch` must be the one that is checked out, if it is given. The remote's branch of that name is made where it is missing. */
  push(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout>;
  /** As `push`. */
  pull(path: string | null, branch: string | null, signal: AbortSignal): Promise<GitCheckout>;
  listBranches(path: string | null, signal: AbortSignal): Promise<GitBranches>;
  /** From what is checked out; not checked out itself. */
  createBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
  checkoutBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
  deleteBranch(path: string | null, name: string, signal: AbortSignal): Promise<GitCheckout>;
}
