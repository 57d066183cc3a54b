/**
 * Maps git's error messages to the daemon's codes. git has exit codes for almost nothing, so its messages are parsed;
 * it runs with `LC_ALL=C.UTF-8`, in which they have been stable for many years.
 */
import { HttpError } from "./errors.ts";

type Reading = [sentence: RegExp, status: number, code: string];

const readings: Reading[] = [
  [/does not appear to be a git repository|No such remote/i, 404, "GIT_REPO_NOT_FOUND"],
  [/not a git repository/i, 404, "GIT_REPO_NOT_FOUND"],
  [/repository '.*' (?:not found|does not exist)/i, 404, "GIT_REPO_NOT_FOUND"],
  [/Remote branch .* not found|couldn't find remote ref|branch '.*' not found/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [/pathspec '.*' did not match any file\(s\) known to git|invalid reference/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [
    /src refspec .* does not match any|unknown revision|as a valid revision|not a valid object name/i,
    404,
    "GIT_BRANCH_NOT_FOUND",
  ],
  [
    /does not have any commits yet|could not resolve HEAD|reference is not a tree|bad revision/i,
    404,
    "GIT_BRANCH_NOT_FOUND",
  ],
  [/unable to read tree|not our ref|Server does not allow request for/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [/a branch named '.*' already exists/i, 409, "GIT_BRANCH_EXISTS"],
  [/! \[rejected\]|\t\[rejected\]/i, 409, "GIT_PUSH_REJECTED"],
  [/\[remote rejected\]/i, 422, "GIT_REMOTE_REJECTED"],
  [/would be overwritten by|Entry '.*' not uptodate|Cannot merge/i, 409, "GIT_DIRTY_WORKTREE"],
  [/uncommitted changes|unstaged changes/i, 409, "GIT_DIRTY_WORKTREE"],
  [/^CONFLICT |Automatic merge failed|unmerged (?:files|paths)|not concluded your merge/im, 409, "GIT_MERGE_CONFLICT"],
  [/refusing to merge unrelated histories/i, 409, "GIT_MERGE_CONFLICT"],
  [/you need to resolve your current index first/i, 409, "GIT_MERGE_CONFLICT"],
  [/already exists and is not an empty directory|remote .* already exists/i, 409, "CONFLICT"],
  [/\.lock': File exists|Another git process/i, 409, "CONFLICT"],
  [
    /unable to access|early EOF|RPC failed|hung up unexpectedly|Could not read from remote/i,
    502,
    "GIT_TRANSPORT_FAILED",
  ],
];

/** For a person to read: a hook may print for hours. */
const maxCharacters = 2_000;

export function describeGitFailure(text: string): HttpError {
  const said = text.trim();
  const message =
    said.length > maxCharacters ? `…${said.slice(-maxCharacters)}` : said || "git failed and said nothing";
  const reading = readings.find(([sentence]) => sentence.test(said));
  if (!reading) return new HttpError(400, message, "BAD_REQUEST");
  const [, status, code] = reading;
  return new HttpError(status, message, code);
}

/** The address for messages. Its user name stays, as in the real daemon. */
export function hidePassword(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, "$1@");
}
