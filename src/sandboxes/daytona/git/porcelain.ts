// Reads `git status --porcelain=v2 --branch` as the daemon would answer it.

const words: Record<string, string> = {
  ".": "Unmodified",
  M: "Modified",
  T: "Modified",
  A: "Added",
  D: "Deleted",
};
const UNMERGED = "Updated but unmerged";

/** How many fields stand before the path, by how the entry begins. */
const FIELDS: Record<string, number> = { "1": 8, u: 10, "?": 1 };

export function readPorcelain(entries: readonly string[]): Record<string, unknown> {
  const headers = entries.filter((entry) => entry.startsWith("# "));
  const header = (name: string) => headers.find((entry) => entry.startsWith(`# ${name} `))?.slice(name.length + 3);
  const [, ahead = 0, behind = 0] = /^\+(\d+) -(\d+)$/.exec(header("branch.ab") ?? "") ?? [];
  return {
    fileStatus: entries.flatMap(readEntry),
    ahead: Number(ahead),
    behind: Number(behind),
    // Left out where the branch of that name is gone, or was never fetched.
    branchPublished: header("branch.ab") !== undefined,
  };
}

function readEntry(entry: string): { name: string; staging: string; worktree: string }[] {
  const kind = entry.slice(0, entry.indexOf(" "));
  const fields = FIELDS[kind];
  if (fields === undefined) return [];
  // A name may hold spaces; the fields before it hold none.
  const name = entry.split(" ").slice(fields).join(" ");
  if (kind === "?") return [{ name, staging: "Untracked", worktree: "Untracked" }];
  if (kind === "u") return [{ name, staging: UNMERGED, worktree: UNMERGED }];
  return [{ name, staging: words[entry[2] ?? "."] ?? "Modified", worktree: words[entry[3] ?? "."] ?? "Modified" }];
}
