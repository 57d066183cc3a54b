// Explains a failure of git in a sentence that a model can act on, by what git or the daemon's library said.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitLogin } from "../../../protocol/git-credential.ts";
import type { DaytonaFailure } from "../client/failure.ts";

/** Describes what was tried. `host` and `login` are set only if a remote was to be reached. */
export interface GitAttempt {
  /** The subject of a sentence: `The clone of https://…`. */
  what: string;
  host: string | null;
  login: GitLogin | null;
  branch: string | null;
}

interface Fault {
  /** Git's own words, or those of the daemon's library. */
  said: RegExp;
  error: SandboxError["code"];
  text: string | ((attempt: GitAttempt) => string);
  /** The sentence is complete without git's message. */
  is_plain?: true;
}

const remoteOf = ({ host }: GitAttempt) => host ?? "The remote";
const branchOf = ({ branch }: GitAttempt) => (branch === null ? "The branch" : `The branch ${branch}`);

// Tried in this order.
const faults = {
  locked: {
    said: /\.lock': File exists|another git process/i,
    error: "failed",
    text: "Another git works in the repository and has locked it, or was killed there. Try again in a moment. If `ps` shows no git, remove the lock that is named here with `rm`.",
  },
  ownership: {
    said: /detected dubious ownership/i,
    error: "refused",
    text: "The repository belongs to another user of the sandbox. If you trust it, run `git config --global --add safe.directory FOLDER` and try again.",
  },
  unresolved: {
    said: /unresolved conflict/i,
    error: "invalid",
    text: "Both sides of the merge changed these files, and they still are as git left them. Resolve them, then commit: name a file in `files` where one side is to stay as it is. `git merge --abort` takes the merge back. Nothing was committed.",
  },
  untracked: {
    said: /untracked working tree files? '?.{0,1000}would be/i,
    error: "invalid",
    text: "Files that git does not know yet are in the way, and nothing was changed. Commit them with git_commit, or move them away.",
  },
  unrelated: {
    said: /refusing to merge unrelated histories/i,
    error: "invalid",
    text: "The two histories have no commit in common, so nothing was merged: the remote was replaced, or is another one. `git merge --allow-unrelated-histories FETCH_HEAD` merges them nonetheless.",
  },
  other_tree: {
    said: /already (?:checked out|used by worktree) at/i,
    error: "invalid",
    text: (attempt) => `${branchOf(attempt)} is checked out in another work tree of this repository. Work there.`,
  },
  filter: {
    said: /(?:clean|smudge) filter '[^']*' failed|external filter '[^']*' failed/i,
    error: "failed",
    text: "A filter that git's settings in the sandbox name failed. Install its program, or take the setting back.",
  },
  empty: {
    said: /remote repository is empty/i,
    error: "invalid",
    text: "The repository is empty: it has no commit yet, so there is nothing to clone. Begin it with `git init`, `git remote add origin URL`, a commit and git_push.",
    is_plain: true,
  },
  no_repository_here: {
    said: /not a git repository|repository does not exist/i,
    error: "not_found",
    text: "The folder is no git repository.",
    is_plain: true,
  },
  no_remote: {
    said: /no such remote|remote not found|'origin' does not appear to be a git repository/i,
    error: "invalid",
    text: "The repository has no remote `origin`. Add one with `git remote add origin URL`.",
    is_plain: true,
  },
  up_to_date: { said: /already up[- ]to[- ]date/i, error: "invalid", text: "It is up to date already." },
  nothing_staged: {
    said: /nothing (?:added )?to commit|clean working tree|cannot create empty commit/i,
    error: "invalid",
    text: "There is nothing to commit.",
    is_plain: true,
  },
  push_rejected: {
    said: /non-fast-forward|fetch first|! \[rejected\]|updates were rejected|stale info/i,
    error: "invalid",
    text: (attempt) =>
      `${remoteOf(attempt)} has commits that are not here. Bring them in with git_pull, then push again.`,
  },
  remote_rejected: {
    said: /remote rejected|hook declined|protected branch/i,
    error: "refused",
    text: (attempt) =>
      `${remoteOf(attempt)} does not accept it: a rule of the repository, such as a protected branch or a hook. Another branch may be allowed.`,
  },
  conflict: {
    said: /^CONFLICT |merge conflict|automatic merge failed|unmerged files|not concluded your merge/im,
    error: "invalid",
    text: "Both sides changed the same lines. Look at the files that git_status names, resolve them and commit, or go back with `git merge --abort`.",
  },
  dirty: {
    said: /would be overwritten|worktree contains unstaged|worktree is not clean|uncommitted changes/i,
    error: "invalid",
    text: "Changes that are not committed would be overwritten. Commit them with git_commit or take them back first.",
  },
  auth: {
    said: /authentication (required|failed)|authorization failed|could not read (username|password)|invalid (username|credential)|invalid auth method|terminal prompts disabled|returned error: 40[13]/i,
    error: "refused",
    text: describeRefusal,
    is_plain: true,
  },
  repository: {
    said: /repository( '.{0,1000}')? not found|returned error: 404|does not appear to be a git repository/i,
    error: "not_found",
    text: describeAbsence,
    is_plain: true,
  },
  branch_exists: {
    said: /branch .{0,300}already exists|reference already exists/i,
    error: "invalid",
    text: (attempt) => `${branchOf(attempt)} exists already.`,
  },
  branch: {
    said: /branch .{0,300}not found|couldn't find remote ref|reference not found|did not match any file|src refspec .{0,300} does not match|unknown revision|invalid reference/i,
    error: "not_found",
    text: (attempt) => `${branchOf(attempt)} does not exist there.`,
  },
  in_the_way: {
    said: /already exists and is not an empty|repository already exists/i,
    error: "invalid",
    text: "There is something in the folder already. Take another folder, or remove what is there.",
  },
  transport: {
    said: /could not resolve host|no such host|connection (refused|reset|timed out)|i\/o timeout|network is unreachable|unable to access|tls|x509|certificate|early EOF|hung up unexpectedly/i,
    error: "failed",
    text: (attempt) =>
      `${remoteOf(attempt)} could not be reached from the sandbox, or broke off. Check the address; try again later.`,
  },
} as const satisfies Record<string, Fault>;

export type GitFault = keyof typeof faults;

/** Null if the failure does not come from git. */
export function readGitFault({ message }: DaytonaFailure): GitFault | null {
  const known = Object.entries(faults).find(([, { said }]) => said.test(message));
  return (known?.[0] as GitFault | undefined) ?? null;
}

/** A shorter password could be part of any word: the whole message is left out then. */
const MIN_SECRET_CHARACTERS = 8;

/** Enough for a reason from git or from a host's hook. */
const MAX_REASON_CHARACTERS = 300;

/** The error to throw. It never contains the password, whatever the daemon quotes. */
export function explainGit(failure: DaytonaFailure, attempt: GitAttempt): SandboxError {
  const name = readGitFault(failure);
  const fault: Fault | null = name === null ? null : faults[name];
  const text = typeof fault?.text === "function" ? fault.text(attempt) : (fault?.text ?? "");
  const reason = readReason(failure, attempt.login);
  const said = reason === "" || fault?.is_plain ? "" : `It said: ${reason.replace(/\.$/, "")}.`;
  const sentences = [`${attempt.what} failed.`, text, said].filter((part) => part !== "");
  return new SandboxError(fault?.error ?? codeOf(failure), sentences.join(" "));
}

function codeOf({ status }: DaytonaFailure): SandboxError["code"] {
  if (status === 403) return "refused";
  if (status === 404) return "not_found";
  return status !== null && status < 500 ? "invalid" : "failed";
}

/** Git's message. The password is removed before the message is cut, so that no part of it remains at the cut. */
function readReason({ message }: DaytonaFailure, login: GitLogin | null): string {
  if (message.startsWith("Request failed with status code")) return "";
  return hideLogin(message, login).replace(/\s+/g, " ").trim().slice(0, MAX_REASON_CHARACTERS);
}

/** Hides the login's password in every encoding, and any password in a URL: the sandbox may have its own. */
function hideLogin(message: string, login: GitLogin | null): string {
  const text = message.replace(/(:\/\/[^\s/:@]*):[^\s/@]*@/g, "$1:[password]@");
  if (login === null) return text;
  const { username, password } = login;
  if (password.length < MIN_SECRET_CHARACTERS) return "";
  const basic = btoa(String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`)));
  return [password, encodeURIComponent(password), basic].reduce(
    (rest, one) => rest.replaceAll(one, "[password]"),
    text,
  );
}

function describeRefusal({ host, login }: GitAttempt): string {
  const remote = host ?? "The remote";
  const place = host ?? "its host";
  return login === null
    ? `${remote} asks who is there, and no credential is stored for it: the repository is private, or there is none at this address. The person can store one for ${place} (POST /v1/git-credentials).`
    : `${remote} refuses the credential that is stored for it: it is wrong, has expired, or has no right to do this here. The person can store another one for ${place}.`;
}

function describeAbsence({ host, login }: GitAttempt): string {
  const place = host ?? "its host";
  const hidden =
    login === null
      ? `or it is private and no credential is stored for ${place}`
      : `or the credential that is stored for ${place} has no right to see it`;
  return `There is no repository at this address, ${hidden}.`;
}
