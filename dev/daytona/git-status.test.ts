import { describe, expect, it } from "vitest";
import { parseStatus } from "./git-run.ts";

const zeros = "0".repeat(40);
const spell = (...entries: string[]): string => `${entries.join("\0")}\0`;

describe("parseStatus", () => {
  it("reads how far a branch is ahead of and behind its upstream", () => {
    const output = spell(
      "# branch.oid abc",
      "# branch.head fix/a",
      "# branch.upstream origin/fix/a",
      "# branch.ab +2 -1",
    );
    expect(parseStatus(output)).toEqual({
      currentBranch: "fix/a",
      fileStatus: [],
      ahead: 2,
      behind: 1,
      branchPublished: true,
      detached: false,
      upstream: "origin/fix/a",
    });
  });

  it("names no branch for a detached HEAD", () => {
    expect(parseStatus(spell(`# branch.oid ${zeros}`, "# branch.head (detached)"))).toMatchObject({
      currentBranch: "HEAD",
      detached: true,
      branchPublished: false,
    });
  });

  it("reads names with spaces, and both states of each file", () => {
    const fields = `N... 100644 100644 100644 ${zeros} ${zeros}`;
    const output = spell(
      `1 .M ${fields} a b.txt`,
      `1 A. ${fields} new`,
      `2 R. ${fields} R100 to here`,
      "from there",
      `u UU N... 100644 100644 100644 100644 ${zeros} ${zeros} ${zeros} both sides`,
      "? not known",
    );
    expect(parseStatus(output).fileStatus).toEqual([
      { name: "a b.txt", staging: "Unmodified", worktree: "Modified", extra: "" },
      { name: "new", staging: "Added", worktree: "Unmodified", extra: "" },
      { name: "to here", staging: "Renamed", worktree: "Unmodified", extra: "from there" },
      { name: "both sides", staging: "Updated but unmerged", worktree: "Updated but unmerged", extra: "" },
      { name: "not known", staging: "Untracked", worktree: "Untracked", extra: "" },
    ]);
  });
});
