// Reads `git status --porcelain=v2 --branch`, and maps the file names that models use.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitChange, GitStatus } from "../../../agent/sandbox-git.ts";

/** A letter of git, and the word for it. */
export const WORDS: Readonly<Record<string, string>> = {
  ".": "Unmodified",
  M: "Modified",
  T: "Modified",
  A: "Added",
  D: "Deleted",
  R: "Renamed",
  C: "Copied",
};
const UNMERGED = "Updated but unmerged";

/** How many fields stand before the path, by how the entry begins. */
const FIELDS: Record<string, number> = { "1": 8, u: 10, "?": 1 };

export function readStatus(output: string): Omit<GitStatus, "path" | "branch"> {
  const entries = output.split("\x1e");
  // Left out where the branch of that name is gone, or was never fetched.
  const counts = entries.find((entry) => entry.startsWith("# branch.ab "));
  const [, ahead = 0, behind = 0] = /^# branch\.ab \+(\d+) -(\d+)$/.exec(counts ?? "") ?? [];
  return {
    changes: entries.flatMap(readEntry).sort((one, other) => (one.path < other.path ? -1 : 1)),
    ahead: Number(ahead),
    behind: Number(behind),
    is_published: counts !== undefined,
  };
}

function readEntry(entry: string): GitChange[] {
  const kind = entry.slice(0, entry.indexOf(" "));
  const fields = FIELDS[kind];
  if (fields === undefined) return [];
  // A name may hold spaces; the fields before it hold none.
  const path = entry.split(" ").slice(fields).join(" ");
  if (kind === "?") return [{ path, staged: "Unmodified", unstaged: "Untracked" }];
  if (kind === "u") return [{ path, staged: UNMERGED, unstaged: UNMERGED }];
  return [{ path, staged: WORDS[entry[2] ?? "."] ?? "Modified", unstaged: WORDS[entry[3] ?? "."] ?? "Modified" }];
}

/**
 * Maps file names to paths relative to the repository. Models often name files relative to the work dir: a name that
 * matches a change as it is wins, then the name without the repository's own folder. `changes` are in order.
 */
export function mapFiles(
  files: string[],
  { root, shown }: { root: string; shown: string },
  changes: GitChange[],
): string[] {
  const isChanged = indexChanges(changes);
  return files.map((file) => {
    const plain = file.replace(/^(?:\.\/+)+/, "").replace(/(?<=^\/|[^/])\/+$/, "");
    if (plain === "." || plain === "" || plain === root || plain === shown) return ".";
    const within = [root, shown].find((folder) => plain.startsWith(`${folder}/`));
    const shorter = within === undefined ? null : plain.slice(within.length + 1);
    const found = [plain, shorter].find((name) => name !== null && isChanged(name));
    if (typeof found === "string") return found;
    throw new SandboxError(
      "invalid",
      `${file} has not changed, or is not in the repository ${shown}. Nothing was committed.`,
    );
  });
}

/** Whether a name is a change, a folder that holds one, or within an untracked folder, which stands for its files. */
function indexChanges(changes: GitChange[]): (name: string) => boolean {
  const paths = changes.map(({ path }) => path);
  const placeOf = (name: string) => {
    let [low, high] = [0, paths.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((paths[middle] ?? "") < name) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (name) => {
    const at = placeOf(name);
    if (paths[at] === name || paths[placeOf(`${name}/`)]?.startsWith(`${name}/`)) return true;
    // Between a folder and a name in it, the order has only what is also in it.
    const before = paths[at - 1];
    return before?.endsWith("/") === true && name.startsWith(before);
  };
}
