// Runs git in a sandbox and says in words what went wrong. Where a sandbox has no git, Daytona's own does it.
import { SandboxError } from "../../../agent/sandbox.ts";
import { DaytonaFailure } from "../client/failure.ts";
import { NO_GIT_NOTE, transferByDaemon, workByDaemon } from "./daemon-git.ts";
import { explainGit, type GitAttempt, readGitFault } from "./git-failure.ts";
import type { Repository } from "./git-remote.ts";
import { AUTHOR, describeTimeout, type GitAsk, TRANSFER_MS, WORK_MS } from "./git-requests.ts";
import { type Programs, readOutcome } from "./git-shell.ts";
import { type Hints, readHints, type Transfer, writeTransfer } from "./remote-script.ts";
import { type Work, writeWork } from "./work-script.ts";

export interface GitRun {
  /** What `writeWork` or `writeTransfer` wrote. */
  command: string;
  /** The command ends by itself in this time, or is killed a little later. */
  limit_ms: number;
  programs: Programs;
}

/** What git printed, and a note where the daemon's own did it. */
export interface Done {
  output: string;
  note?: string;
}

export async function runWork(
  ask: GitAsk,
  { work, place, programs }: { work: Work; place: Repository; programs: Programs },
  signal: AbortSignal,
): Promise<Done> {
  const command = writeWork(work, programs);
  const output = await runGit(ask, { command, limit_ms: WORK_MS, programs }, signal);
  return output === null ? { output: await workByDaemon(ask, work, place, signal), note: NO_GIT_NOTE } : { output };
}

export async function runTransfer(
  ask: GitAsk,
  what: Omit<Transfer, "author" | "seconds">,
  signal: AbortSignal,
): Promise<Hints> {
  const transfer = { ...what, author: AUTHOR, seconds: TRANSFER_MS / 1000 };
  const { programs } = what;
  const output = await runGit(ask, { command: writeTransfer(transfer), limit_ms: TRANSFER_MS, programs }, signal);
  if (output !== null) return readHints(output);
  await transferByDaemon({ ...ask, accepted: ["up_to_date"] }, transfer, signal);
  return { hooks: [], note: NO_GIT_NOTE, commits: undefined };
}

/** What git printed; null if the sandbox has no git. */
export async function runGit(ask: GitAsk, run: GitRun, signal: AbortSignal): Promise<string | null> {
  const { attempt, accepted = [] } = ask;
  const outcome = readOutcome(await runInTime(ask, run, signal));
  if (outcome === null) return null;
  const { output, errors, code } = outcome;
  if (code === 0) return output;
  const failure = new DaytonaFailure(`${errors}\n${output}`.trim() || "git did not come to an end", { status: 400 });
  const fault = readGitFault(failure);
  if (fault !== null && accepted.includes(fault)) return "";
  const filter = /(?:clean|smudge) filter '([^']*)' failed/.exec(failure.message)?.[1];
  if (filter !== undefined && run.programs.is_restricted) throw refuseProgram(attempt, `the filter \`${filter}\``);
  throw explainGit(failure, attempt);
}

async function runInTime(
  { requests, sandbox, attempt }: GitAsk,
  { command, limit_ms }: GitRun,
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
