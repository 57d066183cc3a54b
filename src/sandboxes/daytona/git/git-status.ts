// Parses the daemon's answers about a repository, and maps the file names that models use.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitChange, GitStatus } from "../../../agent/sandbox-git.ts";
import { isRecord } from "../../../lib/is-record.ts";

export function readStatus(answer: unknown): Omit<GitStatus, "path" | "branch"> {
  const status = isRecord(answer) ? answer : {};
  const files = Array.isArray(status.fileStatus) ? status.fileStatus.filter(isRecord) : [];
  const changes = files
    .map((file) => ({ path: readText(file.name), staged: readStaged(file.staging), unstaged: readWord(file.worktree) }))
    .filter(({ path, staged, unstaged }) => path !== "" && !(staged === "Unmodified" && unstaged === "Unmodified"));
  return {
    changes: changes.sort((one, other) => (one.path < other.path ? -1 : 1)),
    ahead: readCount(status.ahead),
    behind: readCount(status.behind),
    is_published: status.branchPublished === true,
  };
}

export function readBranches(answer: unknown): string[] {
  const listed = isRecord(answer) && Array.isArray(answer.branches) ? answer.branches : [];
  return listed.filter((name): name is string => typeof name === "string").sort();
}

/**
 * Maps file names to paths relative to the repository. Models often name files relative to the work dir: a name that
 * matches a change as it is wins, then the name without the repository's own folder.
 */
export function mapFiles(
  files: string[],
  { root, shown }: { root: string; shown: string },
  changes: GitChange[],
): string[] {
  return files.map((file) => {
    const plain = file.replace(/^(?:\.\/+)+/, "").replace(/(?<=^\/|[^/])\/+$/, "");
    if (plain === "." || plain === "" || plain === root || plain === shown) return ".";
    const within = [root, shown].find((folder) => plain.startsWith(`${folder}/`));
    const shorter = within === undefined ? null : plain.slice(within.length + 1);
    const hasChanged = (name: string) =>
      changes.some(({ path }) => path === name || path.startsWith(`${name}/`) || path === `${name}/`);
    const isAnywhere = (name: string) => changes.some(({ path }) => path.endsWith("/") && name.startsWith(path));
    const found = [plain, shorter].find((name) => name !== null && (hasChanged(name) || isAnywhere(name)));
    if (typeof found === "string") return found;
    throw new SandboxError(
      "invalid",
      `${file} has not changed, or is not in the repository ${shown}. Nothing was committed.`,
    );
  });
}

function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Daemons differ in how they write an unmodified state. */
function readWord(value: unknown): string {
  const word = readText(value).trim();
  return word === "" ? "Unmodified" : word;
}

/** Daemons report an untracked file as untracked in both places; it is not staged. */
function readStaged(value: unknown): string {
  const word = readWord(value);
  return word === "Untracked" ? "Unmodified" : word;
}

function readCount(value: unknown): number {
  return typeof value === "number" && value > 0 ? Math.floor(value) : 0;
}
