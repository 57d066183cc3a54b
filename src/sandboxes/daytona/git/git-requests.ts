// Requests to the daemon: our git commands, and its own git where a sandbox has none. Our own `Toolbox` makes them and
// not the SDK: a clone takes longer than the SDK's timeout for requests, and has to end with the run. A password goes
// only into the one request that needs it; the daemon's `/git/credentials`, which would store it on disk, is never used.

import { SandboxError } from "../../../agent/sandbox.ts";
import { isBranchName } from "../../../lib/git-address.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { readBytes } from "../files/json-stream.ts";
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

/** The daemon ends the command after this time. */
const COMMAND_SECONDS = 10;

/** How much later than that the answer may come. */
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

export class GitRequests {
  readonly #toolbox: Toolbox;
  readonly #limits: DaytonaLimits;

  constructor(toolbox: Toolbox, limits: DaytonaLimits) {
    this.#toolbox = toolbox;
    this.#limits = limits;
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
      return await this.#send(sandbox, { method, path: `/git/${path}`, query, json, signal, timeout_ms });
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
  async run(sandbox: SdkSandbox, command: string, signal: AbortSignal, limit_ms?: number): Promise<string> {
    // A command with a limit ends its git at that time, which takes a moment.
    const timeout = limit_ms === undefined ? COMMAND_SECONDS : Math.ceil((limit_ms + GRACE_MS) / 1000);
    const json = { command, timeout };
    const timeout_ms = limit_ms === undefined ? this.#limits.request_ms : limit_ms + 2 * GRACE_MS;
    const answer = await this.#send(sandbox, { method: "POST", path: "/process/execute", json, signal, timeout_ms });
    const { result } = (answer ?? {}) as { result?: unknown };
    if (typeof result !== "string") throw new SandboxError("failed", "The sandbox did not say what a command printed.");
    return result;
  }

  async #send(
    sandbox: SdkSandbox,
    request: { method: "GET" | "POST" | "DELETE"; path: string; query?: Record<string, string> | undefined } & {
      json?: unknown;
      signal: AbortSignal;
      timeout_ms: number;
    },
  ): Promise<unknown> {
    const { query, json, ...rest } = request;
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const bytes = await this.#toolbox.ask(sandbox, { ...rest, ...body, ...(query ? { query } : {}) }, (response) =>
      readBytes(response, MAX_ANSWER_BYTES),
    );
    if (bytes === null)
      throw new SandboxError("too_large", "git's answer is too long. Use a command to see a part of it.");
    const text = new TextDecoder().decode(bytes).trim();
    if (text === "") return null;
    try {
      return JSON.parse(text);
    } catch {
      throw new SandboxError("failed", "The sandbox's answer about git can't be read.");
    }
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
