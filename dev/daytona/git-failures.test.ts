import { describe, expect, it } from "vitest";
import { describeGitFailure, hidePassword } from "./git-run.ts";

describe("describeGitFailure", () => {
  it.each([
    ["fatal: not a git repository (or any of the parent directories): .git", 404, "GIT_REPO_NOT_FOUND"],
    ["fatal: 'origin' does not appear to be a git repository", 404, "GIT_REPO_NOT_FOUND"],
    ["error: No such remote 'other'", 404, "GIT_REPO_NOT_FOUND"],
    ["fatal: repository '/x' does not exist", 404, "GIT_REPO_NOT_FOUND"],
    ["fatal: Remote branch x not found in upstream origin", 404, "GIT_BRANCH_NOT_FOUND"],
    ["error: pathspec 'x' did not match any file(s) known to git", 404, "GIT_BRANCH_NOT_FOUND"],
    ["error: src refspec refs/heads/x does not match any", 404, "GIT_BRANCH_NOT_FOUND"],
    ["error: branch 'x' not found", 404, "GIT_BRANCH_NOT_FOUND"],
    ["fatal: a branch named 'x' already exists", 409, "GIT_BRANCH_EXISTS"],
    [" ! [rejected]        main -> main (fetch first)\nerror: failed to push", 409, "GIT_PUSH_REJECTED"],
    [" ! [remote rejected] main -> main (pre-receive hook declined)", 422, "GIT_REMOTE_REJECTED"],
    ["error: Your local changes to the following files would be overwritten by merge:\n\tf", 409, "GIT_DIRTY_WORKTREE"],
    ["CONFLICT (content): Merge conflict in f", 409, "GIT_MERGE_CONFLICT"],
    ["error: Committing is not possible because you have unmerged files.", 409, "GIT_MERGE_CONFLICT"],
    ["fatal: destination path 'x' already exists and is not an empty directory.", 409, "CONFLICT"],
    ["fatal: Unable to create '/x/.git/index.lock': File exists.", 409, "CONFLICT"],
    ["fatal: unable to access 'https://x/': Could not resolve host: x", 502, "GIT_TRANSPORT_FAILED"],
    ["nothing to commit, working tree clean", 400, "BAD_REQUEST"],
  ])("maps git's message to the daemon's code: %s", (said, status, code) => {
    expect(describeGitFailure(said)).toMatchObject({ status, code, message: said.trim() });
  });

  it("shortens a long message to its end, and never returns an empty one", () => {
    expect(describeGitFailure(`${"chatter\n".repeat(10_000)}fatal: a branch named 'x' already exists`)).toMatchObject({
      code: "GIT_BRANCH_EXISTS",
      message: expect.stringMatching(/^….*already exists$/s),
    });
    expect(describeGitFailure("").message).not.toBe("");
  });
});

it.each([
  ["https://user:token@host/x.git", "https://user@host/x.git"],
  ["https://user@host/x.git", "https://user@host/x.git"],
  ["git@host:x.git", "git@host:x.git"],
])("hidePassword removes the password from %s", (address, hidden) => {
  expect(hidePassword(address)).toBe(hidden);
});
