// Git of Daytona's daemon, for sandboxes without a `git` of their own. It loses work where git would keep it: a pull
// moves the branch before it looks at changed files and overwrites untracked ones, a checkout empties the index, and a
// commit forgets what is being merged (0.190). So these are done only where there is nothing to lose.
import { SandboxError } from "../../../agent/sandbox.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { GitAttempt } from "./git-failure.ts";
import type { Repository } from "./git-remote.ts";
import { type GitAsk, type GitRequest, TRANSFER_MS } from "./git-requests.ts";
import { readStatus, WORDS } from "./git-status.ts";
import type { Transfer } from "./remote-script.ts";
import type { Work } from "./work-script.ts";

/** For models and people. */
export const NO_GIT_NOTE =
  "git is not installed in this sandbox, so Daytona's own did it, which can't merge and runs no hooks. Install git for all the rest.";

const ADVICE =
  "git is not installed in this sandbox, and Daytona's own would lose them. Commit them first, or install git.";

/** Resolves with the text that our own script would print. */
export async function workByDaemon(ask: GitAsk, work: Work, place: Repository, signal: AbortSignal): Promise<string> {
  const send = (request: GitRequest) => sendTo(ask, request, signal);
  const { root } = work;
  if (work.name === "create" || work.name === "checkout") await requireNothingToLose(ask, root, signal);
  switch (work.name) {
    case "status":
      return readDaemonStatus(ask, root, signal);
    case "branches": {
      const { branches } = recordOf(await send({ method: "GET", path: "branches", query: { path: root } }));
      return Array.isArray(branches)
        ? branches
            .filter((name) => typeof name === "string")
            .sort()
            .join("\n")
        : "";
    }
    case "commit": {
      if (place.under_way !== null) throw refuse(ask.attempt, `a ${place.under_way} is under way.`);
      await send({ path: "add", json: { path: root, files: work.files ?? ["."] } });
      const { message, author, email } = work;
      const { hash } = recordOf(await send({ path: "commit", json: { path: root, message, author, email } }));
      return typeof hash === "string" ? hash : "";
    }
    case "create":
      await send({ path: "branches", json: { path: root, name: work.branch } });
      return "";
    case "checkout":
      await send({ path: "checkout", json: { path: root, branch: work.branch } });
      return "";
    case "delete":
      await send({ method: "DELETE", path: "branches", json: { path: root, name: work.branch } });
      return "";
  }
}

export async function transferByDaemon(ask: GitAsk, transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { action, root, draft, url, branch, login } = transfer;
  const send = (path: string, json: Record<string, unknown>) =>
    sendTo(ask, { path, json: { ...json, ...login }, timeout_ms: TRANSFER_MS }, signal);
  if (action === "clone") {
    await send("clone", { url, path: root ?? draft, ...(branch === null ? {} : { branch }) });
    return;
  }
  if (action === "pull") await requireNothingToLose(ask, root ?? "", signal);
  const upstream = action === "push" ? { set_upstream: true } : {};
  await send(action, { path: root, remote: "origin", branch, ...upstream });
}

function sendTo({ requests, sandbox, attempt, accepted }: GitAsk, request: GitRequest, signal: AbortSignal) {
  return requests.ask(sandbox, request, attempt, signal, accepted);
}

/** The daemon's status as `git status --porcelain=v2` writes it. */
async function readDaemonStatus(ask: GitAsk, root: string, signal: AbortSignal): Promise<string> {
  const status = recordOf(await sendTo(ask, { method: "GET", path: "status", query: { path: root } }, signal));
  const files = Array.isArray(status.fileStatus) ? status.fileStatus.map(recordOf) : [];
  const { ahead = 0, behind = 0, branchPublished } = status;
  return [
    ...(branchPublished === true ? [`# branch.ab +${ahead} -${behind}`] : []),
    ...files.map(({ name, staging, worktree }) => {
      if (staging === "Updated but unmerged") return `u ${"- ".repeat(9)}${name}`;
      if (worktree === "Untracked") return `? ${name}`;
      const letters = letterOf(staging) + letterOf(worktree);
      return letters === ".." ? "" : `1 ${letters} ${"- ".repeat(6)}${name}`;
    }),
  ].join("\x1e");
}

/** Daemons differ in how they write an unmodified state. */
function letterOf(word: unknown): string {
  if (typeof word !== "string" || word.trim() === "") return ".";
  return Object.entries(WORDS).find(([, one]) => one === word)?.[0] ?? "M";
}

function recordOf(answer: unknown): Record<string, unknown> {
  return isRecord(answer) ? answer : {};
}

async function requireNothingToLose(ask: GitAsk, root: string, signal: AbortSignal): Promise<void> {
  const { changes } = readStatus(await readDaemonStatus(ask, root, signal));
  if (changes.length > 0) throw refuse(ask.attempt, "there are changes that are not committed.");
}

function refuse({ what }: GitAttempt, why: string): SandboxError {
  return new SandboxError("invalid", `${what} was not begun: ${why} ${ADVICE}`);
}
