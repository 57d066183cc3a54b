import { describe, expect, it } from "vitest";
import { DaytonaFailure } from "../client/failure.ts";
import { explainGit, type GitFault, readGitFault } from "./git-failure.ts";

const source = "DAYTONA_DAEMON";

describe("readGitFault", () => {
  // Statuses and messages of the git library in older daemons.
  const older: [status: number, message: string, fault: GitFault | null][] = [
    [401, "authentication required: Repository not found.", "auth"],
    [403, "authorization failed", "auth"],
    [404, "repository not found", "repository"],
    [404, "remote repository is empty", "empty"],
    [404, "reference not found", "branch"],
    [404, 'couldn\'t find remote ref "refs/heads/nope"', "branch"],
    [409, "repository already exists", "in_the_way"],
    [409, "non-fast-forward update: refs/heads/main", "push_rejected"],
    [409, "worktree contains unstaged changes", "dirty"],
    [500, "already up-to-date", "up_to_date"],
    [500, "dial tcp: lookup nowhere.example: no such host", "transport"],
    [500, "cannot create empty commit: clean working tree", "nothing_staged"],
    [400, "repository does not exist", "no_repository_here"],
    [401, "Unauthorized", null],
    [502, "", null],
  ];
  it.each(older)("reads %i %s", (status, message, fault) => {
    expect(readGitFault(new DaytonaFailure(message, { status }))).toBe(fault);
  });

  const own: [message: string, fault: GitFault][] = [
    ["fatal: Authentication failed", "auth"],
    ["fatal: not a git repository", "no_repository_here"],
    ["remote: Repository not found.", "repository"],
    ["fatal: 'origin' does not appear to be a git repository", "no_remote"],
    ["! [remote rejected] main (protected branch)", "remote_rejected"],
    ["! [rejected] main -> main (fetch first)", "push_rejected"],
    ["CONFLICT (content): Merge conflict in a", "conflict"],
    ["fatal: unable to access 'https://x/': Could not resolve host", "transport"],
  ];
  it.each(own)("reads %s", (message, fault) => {
    expect(readGitFault(new DaytonaFailure(message, { status: 400, source }))).toBe(fault);
  });
});

describe("explainGit", () => {
  const attempt = { what: "The push", host: "git.example.com", branch: "main" };

  it("distinguishes a wrong credential from a missing one", () => {
    const failure = new DaytonaFailure("authentication required", { status: 401 });
    const missing = explainGit(failure, { ...attempt, login: null });
    const wrong = explainGit(failure, { ...attempt, login: { username: "ada", password: "canary-password" } });
    expect(missing.message).toMatch(/^The push failed\. git\.example\.com asks .* no credential is stored/);
    expect(wrong.message).toMatch(/refuses the credential that is stored/);
  });

  it.each(["canary-pass/word+1", encodeURIComponent("canary-pass/word+1"), btoa("ada:canary-pass/word+1")])(
    "never contains the password, although the daemon quotes it as %s",
    (quoted) => {
      const login = { username: "ada", password: "canary-pass/word+1" };
      for (const message of [`remote rejected: it was ${quoted}`, `remote rejected ${"x".repeat(269)} ${quoted}`]) {
        const failure = new DaytonaFailure(message, { status: 400, source });
        const text = explainGit(failure, { ...attempt, login }).message;
        expect(text).not.toMatch(/canary-p|YWRhOmNhbm/);
        expect(text).toContain("does not accept it");
      }
    },
  );

  it("contains no password of a URL, also not an unknown one", () => {
    const message =
      "unable to access 'https://ada:canary%2Fpass@git.example.com/x': The requested URL returned error: 500";
    const failure = new DaytonaFailure(message, { status: 502, source });
    const text = explainGit(failure, { ...attempt, login: null }).message;
    expect(text).toContain("https://ada:[password]@git.example.com/x");
    expect(text).not.toContain("canary");
  });

  it("leaves git's message out if the password is so short that it could be in any word", () => {
    const failure = new DaytonaFailure("hook declined: bad", { status: 400, source });
    const text = explainGit(failure, { ...attempt, login: { username: "ada", password: "bad" } }).message;
    expect(text).not.toContain("bad");
  });
});
