// Requests to the daemon: our git commands, and its own git where a sandbox has none. Our own `Toolbox` makes them and
// not the SDK: a clone takes longer than the SDK's timeout for requests, and has to end with the run. A password goes
// only into the one request that needs it; the daemon's `/git/credentials`, which would store it on disk, is never used.

import { SandboxError } from "../../../agent/sandbox.ts";
import { isBranchName } from "../../../lib/git-address.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { askJson, execute } from "../files/scripts.ts";
import { explainGit, type GitAttempt, type GitFault, readGitFault } from "./git-failure.ts";

/**
 * For a clone, pull or push: some hundred megabytes on a good connection. Shorter than the time limit of the git tools.
 */
export const TRANSFER_MS = 270_000;

/**
 * For an operation without a remote. It runs the repository's hooks, which may test, and a large work tree is slow too.
 */
export const WORK_MS = 120_000;

/** Enough for a status with ten thousand files. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** For a look at a few files. */
const COMMAND_MS = 5_000;

/** The daemon ends a command so much later. */
const GRACE_MS = 5_000;

/** The author of commits if neither the call nor git's settings name one. */
export const AUTHOR = { name: "Taskloom", email: "taskloom@localhost" };

export interface GitRequest {
  method?: "GET" | "POST" | "DELETE";
  /** Below `/git/`. */
  path: string;
  query?: Record<string, string>;
  json?: Record<string, unknown>;
  timeout_ms?: number;
}

export interface GitAsk {
  requests: GitRequests;
  sandbox: SdkSandbox;
  attempt: GitAttempt;
  /** Not failures: the result is empty. */
  accepted?: GitFault[];
}

export class GitRequests {
  readonly #toolbox: Toolbox;

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  /**
   * Resolves with the daemon's answer; null if it has no body, or on a fault in `accepted`. A refusal by git itself is
   * thrown as `SandboxError` here, since the connection would mistake a 401 for a refusal of Daytona's API key.
   */
  async ask(
    sandbox: SdkSandbox,
    { method = "POST", path, query, json, timeout_ms = WORK_MS }: GitRequest,
    attempt: GitAttempt,
    signal: AbortSignal,
    accepted: GitFault[] = [],
  ): Promise<unknown> {
    try {
      const sent = { ...(query && { query }), ...(json && { body: JSON.stringify(json) }) };
      const request = { method, path: `/git/${path}`, ...sent, signal, timeout_ms };
      return await askJson(this.#toolbox, sandbox, request, MAX_ANSWER_BYTES);
    } catch (error) {
      if (error instanceof DaytonaFailure && error.is_timeout)
        throw new SandboxError("failed", describeTimeout(attempt, timeout_ms));
      if (!(error instanceof DaytonaFailure) || error.is_transport || error.is_from_proxy) throw error;
      const fault = readGitFault(error);
      if (fault !== null && accepted.includes(fault)) return null;
      if (fault === null && !error.is_from_daemon) throw error;
      throw explainGit(error, attempt);
    }
  }

  /** Resolves with the output of a command, which must be short and end by itself. */
  run(sandbox: SdkSandbox, command: string, signal: AbortSignal, limit_ms = COMMAND_MS): Promise<string> {
    // A command with a limit ends its git at that time, which takes a moment.
    const script = { command, timeout_ms: limit_ms + GRACE_MS, answer_bytes: MAX_ANSWER_BYTES };
    return execute(this.#toolbox, sandbox, script, signal);
  }
}

/** Clones the first of these branches that exists; the remote's default branch if none is named. */
export async function tryBranches(
  branches: string[],
  clone: (branch: string | null) => Promise<unknown>,
): Promise<void> {
  const [branch = null, ...others] = branches;
  if (branch !== null) requireBranchName(branch);
  try {
    await clone(branch);
  } catch (error) {
    const isMissing = error instanceof SandboxError && error.code === "not_found";
    if (!isMissing || others.length === 0) throw error;
    await tryBranches(others, clone);
  }
}

export function requireBranchName(name: string): void {
  if (!isBranchName(name)) throw new SandboxError("invalid", `${JSON.stringify(name)} can't be the name of a branch.`);
}

/** Every operation begins with a command that was answered, so the sandbox is reachable and something else is slow. */
export function describeTimeout({ what, host }: GitAttempt, ms: number): string {
  const why =
    host === null
      ? "a hook of the repository, or its size, takes longer. Use a command in the background for that"
      : `${host} answers slowly or not at all, or there is too much to bring over`;
  return `${what} did not end within ${Math.round(ms / 1000)} seconds: ${why}. A part of it may have happened.`;
}
