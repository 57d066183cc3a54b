// Git of Daytona's daemon, for sandboxes without a `git` of their own. It loses work where git would keep it: a pull
// moves the branch before it looks at changed files and overwrites untracked ones, a checkout empties the index, and a
// commit forgets what is being merged (0.190). So these are done only where there is nothing to lose.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { GitAttempt, GitFault } from "./git-failure.ts";
import type { Repository } from "./git-remote.ts";
import { type GitRequest, type GitRequests, TRANSFER_MS } from "./git-requests.ts";
import { readStatus } from "./git-status.ts";
import type { Transfer } from "./remote-script.ts";
import type { Work } from "./work-script.ts";

/** For models and people. */
export const NO_GIT_NOTE =
  "git is not installed in this sandbox, so Daytona's own did it, which can't merge and runs no hooks. Install git for all the rest.";

const ADVICE =
  "git is not installed in this sandbox, and Daytona's own would lose them. Commit them first, or install git.";

interface Ask {
  requests: GitRequests;
  sandbox: SdkSandbox;
  attempt: GitAttempt;
  accepted?: GitFault[];
}

/** The answer to `status` and `branches` is the daemon's; to `commit` it is the hash, or "" without one. */
export async function workByDaemon(ask: Ask, work: Work, place: Repository, signal: AbortSignal): Promise<unknown> {
  const send = (request: GitRequest) => sendTo(ask, request, signal);
  const { root } = work;
  switch (work.name) {
    case "status":
      return send({ method: "GET", path: "status", query: { path: root } });
    case "branches":
      return send({ method: "GET", path: "branches", query: { path: root } });
    case "commit": {
      if (place.under_way !== null) throw refuse(ask.attempt, `a ${place.under_way} is under way.`);
      await send({ path: "add", json: { path: root, files: work.files ?? ["."] } });
      const { message, author, email } = work;
      const answer = (await send({ path: "commit", json: { path: root, message, author, email } })) as {
        hash?: unknown;
      };
      return typeof answer?.hash === "string" ? answer.hash : "";
    }
    case "create":
      await requireNothingToLose(ask, root, signal);
      return send({ path: "branches", json: { path: root, name: work.branch } });
    case "checkout":
      await requireNothingToLose(ask, root, signal);
      return send({ path: "checkout", json: { path: root, branch: work.branch } });
    case "delete":
      return send({ method: "DELETE", path: "branches", json: { path: root, name: work.branch } });
  }
}

export async function transferByDaemon(ask: Ask, transfer: Transfer, signal: AbortSignal): Promise<void> {
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

function sendTo({ requests, sandbox, attempt, accepted }: Ask, request: GitRequest, signal: AbortSignal) {
  return requests.ask(sandbox, request, attempt, signal, accepted);
}

async function requireNothingToLose(ask: Ask, root: string, signal: AbortSignal): Promise<void> {
  const answer = await sendTo(ask, { method: "GET", path: "status", query: { path: root } }, signal);
  const { changes } = readStatus(answer);
  if (changes.length > 0) throw refuse(ask.attempt, "there are changes that are not committed.");
}

function refuse({ what }: GitAttempt, why: string): SandboxError {
  return new SandboxError("invalid", `${what} was not begun: ${why} ${ADVICE}`);
}
