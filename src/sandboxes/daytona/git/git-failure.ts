// Explains a failure of git in a sentence that a model can act on. Newer daemons send a code; older ones send a status
// and git's own message, which is parsed here.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitLogin } from "../../../protocol/git-credential.ts";
import type { DaytonaFailure } from "../client/failure.ts";

export type GitFault =
  | "no_repository_here"
  | "no_remote"
  | "auth"
  | "repository"
  | "empty"
  | "branch"
  | "branch_exists"
  | "up_to_date"
  | "nothing_staged"
  | "push_rejected"
  | "dirty"
  | "conflict"
  | "remote_rejected"
  | "transport"
  | "in_the_way"
  | "locked"
  | "untracked"
  | "unrelated"
  | "other_tree"
  | "ownership"
  | "filter"
  | "unresolved";

/** Describes what was tried. `host` and `login` are set only if a remote was to be reached. */
export interface GitAttempt {
  /** The subject of a sentence: `The clone of https://…`. */
  what: string;
  host: string | null;
  login: GitLogin | null;
  branch: string | null;
}

// Tried in this order.
const messages: [sentence: RegExp, fault: GitFault][] = [
  [/\.lock': File exists|another git process/i, "locked"],
  [/detected dubious ownership/i, "ownership"],
  [/unresolved conflict/i, "unresolved"],
  [/untracked working tree files? '?.{0,1000}would be/i, "untracked"],
  [/refusing to merge unrelated histories/i, "unrelated"],
  [/already (?:checked out|used by worktree) at/i, "other_tree"],
  [/(?:clean|smudge) filter '[^']*' failed|external filter '[^']*' failed/i, "filter"],
  [/remote repository is empty/i, "empty"],
  [/not a git repository|repository does not exist/i, "no_repository_here"],
  [/no such remote|remote not found|'origin' does not appear to be a git repository/i, "no_remote"],
  [/already up[- ]to[- ]date/i, "up_to_date"],
  [/nothing (?:added )?to commit|clean working tree|cannot create empty commit/i, "nothing_staged"],
  [/non-fast-forward|fetch first|! \[rejected\]|updates were rejected|stale info/i, "push_rejected"],
  [/remote rejected|hook declined|protected branch/i, "remote_rejected"],
  [/^CONFLICT |merge conflict|automatic merge failed|unmerged files|not concluded your merge/im, "conflict"],
  [/would be overwritten|worktree contains unstaged|worktree is not clean|uncommitted changes/i, "dirty"],
  [/authentication (required|failed)|authorization failed|could not read (username|password)/i, "auth"],
  [/invalid (username|credential)|invalid auth method|terminal prompts disabled|returned error: 40[13]/i, "auth"],
  [/repository( '.{0,1000}')? not found|returned error: 404|does not appear to be a git repository/i, "repository"],
  [/branch .{0,300}already exists|reference already exists/i, "branch_exists"],
  [/remote branch .{0,300} not found|couldn't find remote ref|reference not found|branch .{0,300}not found/i, "branch"],
  [/did not match any file|src refspec .{0,300} does not match|unknown revision|invalid reference/i, "branch"],
  [/already exists and is not an empty|repository already exists/i, "in_the_way"],
  [
    /could not resolve host|no such host|connection (refused|reset|timed out)|i\/o timeout|network is unreachable/i,
    "transport",
  ],
  [/unable to access|tls|x509|certificate|early EOF|hung up unexpectedly/i, "transport"],
];

const codes: Record<string, GitFault> = {
  GIT_AUTH_FAILED: "auth",
  GIT_REPO_NOT_FOUND: "repository",
  GIT_BRANCH_NOT_FOUND: "branch",
  GIT_BRANCH_EXISTS: "branch_exists",
  GIT_PUSH_REJECTED: "push_rejected",
  GIT_DIRTY_WORKTREE: "dirty",
  GIT_MERGE_CONFLICT: "conflict",
  GIT_TRANSPORT_FAILED: "transport",
  GIT_REMOTE_REJECTED: "remote_rejected",
};

/** Null if the failure does not come from git. */
export function readGitFault(failure: DaytonaFailure): GitFault | null {
  const said = messages.find(([sentence]) => sentence.test(failure.message))?.[1] ?? null;
  const coded = codes[failure.code ?? ""] ?? null;
  // For these faults the message is more specific than the code. Otherwise the code is more reliable.
  const isFiner = said !== null && ["empty", "no_repository_here", "no_remote", "up_to_date"].includes(said);
  return isFiner ? said : (coded ?? said);
}

/** A shorter password could be part of any word: the whole message is left out then. */
const MIN_SECRET_CHARACTERS = 8;

/** Enough for a reason from git or from a host's hook. */
const MAX_REASON_CHARACTERS = 300;

/** The error to throw. It never contains the password, whatever the daemon quotes. */
export function explainGit(failure: DaytonaFailure, attempt: GitAttempt): SandboxError {
  const fault = readGitFault(failure);
  const [code, sentence] = fault === null ? [codeOf(failure), ""] : describeFault(fault, attempt);
  const reason = readReason(failure, attempt.login);
  const said = reason === "" || isPlain(fault) ? "" : `It said: ${reason.replace(/\.$/, "")}.`;
  return new SandboxError(code, [`${attempt.what} failed.`, sentence, said].filter((part) => part !== "").join(" "));
}

function codeOf({ status }: DaytonaFailure): SandboxError["code"] {
  if (status === 403) return "refused";
  if (status === 404) return "not_found";
  return status !== null && status < 500 ? "invalid" : "failed";
}

/** Whether our own sentence is complete without git's message. */
function isPlain(fault: GitFault | null): boolean {
  return (
    fault !== null &&
    ["empty", "no_repository_here", "no_remote", "nothing_staged", "auth", "repository"].includes(fault)
  );
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

function describeFault(fault: GitFault, { host, login, branch }: GitAttempt): [SandboxError["code"], string] {
  const remote = host ?? "The remote";
  const named = branch === null ? "The branch" : `The branch ${branch}`;
  switch (fault) {
    case "no_repository_here":
      return ["not_found", "The folder is no git repository."];
    case "no_remote":
      return ["invalid", "The repository has no remote `origin`. Add one with `git remote add origin URL`."];
    case "auth":
      return ["refused", describeRefusal(remote, host ?? "its host", login)];
    case "repository":
      return ["not_found", describeAbsence(host ?? "its host", login)];
    case "empty":
      return [
        "invalid",
        "The repository is empty: it has no commit yet, so there is nothing to clone. Begin it with `git init`, `git remote add origin URL`, a commit and git_push.",
      ];
    case "branch":
      return ["not_found", `${named} does not exist there.`];
    case "branch_exists":
      return ["invalid", `${named} exists already.`];
    case "up_to_date":
      return ["invalid", "It is up to date already."];
    case "nothing_staged":
      return ["invalid", "There is nothing to commit."];
    case "push_rejected":
      return ["invalid", `${remote} has commits that are not here. Bring them in with git_pull, then push again.`];
    case "dirty":
      return [
        "invalid",
        "Changes that are not committed would be overwritten. Commit them with git_commit or take them back first.",
      ];
    case "conflict":
      return [
        "invalid",
        "Both sides changed the same lines. Look at the files that git_status names, resolve them and commit, or go back with `git merge --abort`.",
      ];
    case "remote_rejected":
      return [
        "refused",
        `${remote} does not accept it: a rule of the repository, such as a protected branch or a hook. Another branch may be allowed.`,
      ];
    case "transport":
      return [
        "failed",
        `${remote} could not be reached from the sandbox, or broke off. Check the address; try again later.`,
      ];
    case "in_the_way":
      return ["invalid", "There is something in the folder already. Take another folder, or remove what is there."];
    case "locked":
      return [
        "failed",
        "Another git works in the repository and has locked it, or was killed there. Try again in a moment. If `ps` shows no git, remove the lock that is named here with `rm`.",
      ];
    case "untracked":
      return [
        "invalid",
        "Files that git does not know yet are in the way, and nothing was changed. Commit them with git_commit, or move them away.",
      ];
    case "unrelated":
      return [
        "invalid",
        "The two histories have no commit in common, so nothing was merged: the remote was made anew, or is another one. `git merge --allow-unrelated-histories FETCH_HEAD` merges them nonetheless.",
      ];
    case "other_tree":
      return ["invalid", `${named} is checked out in another work tree of this repository. Work there.`];
    case "ownership":
      return [
        "refused",
        "The repository belongs to another user of the sandbox. If you trust it, run `git config --global --add safe.directory FOLDER` and try again.",
      ];
    case "filter":
      return [
        "failed",
        "A filter that git's settings in the sandbox name failed. Install its program, or take the setting back.",
      ];
    case "unresolved":
      return [
        "invalid",
        "Both sides of the merge changed these files, and they still are as git left them. Resolve them, then commit: name a file in `files` where one side is to stay as it is. `git merge --abort` takes the merge back. Nothing was committed.",
      ];
  }
}

function describeRefusal(remote: string, host: string, login: GitLogin | null): string {
  return login === null
    ? `${remote} asks who is there, and no credential is stored for it: the repository is private, or there is none at this address. The person can store one for ${host} (POST /v1/git-credentials).`
    : `${remote} refuses the credential that is stored for it: it is wrong, has expired, or has no right to do this here. The person can store another one for ${host}.`;
}

function describeAbsence(host: string, login: GitLogin | null): string {
  const hidden =
    login === null
      ? `or it is private and no credential is stored for ${host}`
      : `or the credential that is stored for ${host} has no right to see it`;
  return `There is no repository at this address, ${hidden}.`;
}
