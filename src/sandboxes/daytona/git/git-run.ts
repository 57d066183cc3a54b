// Runs one of our git commands in a sandbox and says in words what went wrong.
import { SandboxError } from "../../../agent/sandbox.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { explainGit, type GitAttempt, type GitFault, readGitFault } from "./git-failure.ts";
import { describeTimeout, type GitRequests } from "./git-requests.ts";
import { readOutcome } from "./git-shell.ts";

export interface GitRun {
  /** What `writeWork` or `writeTransfer` wrote. */
  command: string;
  attempt: GitAttempt;
  /** The command ends by itself in this time, or is killed a little later. */
  limit_ms: number;
  /** Not failures: the result is empty. */
  accepted?: GitFault[];
  is_restricted: boolean;
}

/** What git printed; null if the sandbox has no git. */
export async function runGit(
  requests: GitRequests,
  sandbox: SdkSandbox,
  { command, attempt, limit_ms, accepted = [], is_restricted }: GitRun,
  signal: AbortSignal,
): Promise<string | null> {
  const outcome = readOutcome(await runInTime(requests, sandbox, { command, attempt, limit_ms }, signal));
  if (outcome === null) return null;
  const { output, errors, code } = outcome;
  if (code === 0) return output;
  const failure = new DaytonaFailure(`${errors}\n${output}`.trim() || "git did not come to an end", { status: 400 });
  const fault = readGitFault(failure);
  if (fault !== null && accepted.includes(fault)) return "";
  const filter = /(?:clean|smudge) filter '([^']*)' failed/.exec(failure.message)?.[1];
  if (filter !== undefined && is_restricted) throw refuseProgram(attempt, `the filter \`${filter}\``);
  throw explainGit(failure, attempt);
}

async function runInTime(
  requests: GitRequests,
  sandbox: SdkSandbox,
  { command, attempt, limit_ms }: Pick<GitRun, "command" | "attempt" | "limit_ms">,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await requests.run(sandbox, command, signal, limit_ms);
  } catch (error) {
    const is_late = error instanceof DaytonaFailure && (error.is_timeout || /execution timeout/i.test(error.message));
    throw is_late ? new SandboxError("failed", describeTimeout(attempt, limit_ms)) : error;
  }
}

/** For agents whose commands need a person's approval: their git runs no program that a file names. */
export function refuseProgram({ what }: Pick<GitAttempt, "what">, name: string): SandboxError {
  return new SandboxError(
    "refused",
    `${what} would run a program that git's settings in the sandbox name: ${name}. This agent's commands need a person's approval, and so does that: use git in a command, or take the setting back.`,
  );
}
