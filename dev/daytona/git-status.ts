/**
 * Translates `git status --porcelain=v2 --branch -z` into the daemon's terms.
 */
export interface FileStatus {
  name: string;
  staging: string;
  worktree: string;
  extra: string;
}

export interface GitStatus {
  currentBranch: string;
  fileStatus: FileStatus[];
  ahead: number;
  behind: number;
  branchPublished: boolean;
  detached: boolean;
  upstream: string;
}

const words: Record<string, string> = {
  ".": "Unmodified",
  M: "Modified",
  // A file became a link or the reverse.
  T: "Modified",
  A: "Added",
  D: "Deleted",
  R: "Renamed",
  C: "Copied",
  U: "Updated but unmerged",
};

const unmerged = "Updated but unmerged";

export function parseStatus(output: string): GitStatus {
  const status: GitStatus = {
    ...{ currentBranch: "", fileStatus: [], ahead: 0, behind: 0 },
    ...{ branchPublished: false, detached: false, upstream: "" },
  };
  const entries = output.split("\0");
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index] ?? "";
    if (entry.startsWith("# ")) readBranch(entry.slice(2), status);
    else if (entry.startsWith("? ")) status.fileStatus.push(describe(entry.slice(2), "Untracked", "Untracked"));
    else if (entry.startsWith("u ")) status.fileStatus.push(describe(nameAfter(entry, 10), unmerged, unmerged));
    else if (entry.startsWith("1 ")) status.fileStatus.push(readChange(entry, nameAfter(entry, 8)));
    else if (entry.startsWith("2 ")) {
      // The former name is an entry of its own.
      index += 1;
      status.fileStatus.push({ ...readChange(entry, nameAfter(entry, 9)), extra: entries[index] ?? "" });
    }
  }
  return status;
}

function readBranch(line: string, status: GitStatus): void {
  const [key, ...rest] = line.split(" ");
  const value = rest.join(" ");
  if (key === "branch.head") {
    status.detached = value === "(detached)";
    status.currentBranch = status.detached ? "HEAD" : value;
  } else if (key === "branch.upstream") {
    status.upstream = value;
  } else if (key === "branch.ab") {
    // Left out where the remote's branch is not known.
    status.branchPublished = true;
    const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(value) ?? [];
    status.ahead = Number(ahead ?? 0);
    status.behind = Number(behind ?? 0);
  }
}

function readChange(entry: string, name: string): FileStatus {
  const staging = words[entry[2] ?? "."] ?? "Unmodified";
  const worktree = words[entry[3] ?? "."] ?? "Unmodified";
  return describe(name, staging, worktree);
}

function describe(name: string, staging: string, worktree: string): FileStatus {
  return { name, staging, worktree, extra: "" };
}

/** A name may contain spaces; the fields before it contain none. */
function nameAfter(entry: string, fields: number): string {
  return entry.split(" ").slice(fields).join(" ");
}
