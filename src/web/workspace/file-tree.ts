// The rows of a tree, from the folders that were read and those that are open, and what its keys do.
import type { Problem } from "../state/problem.ts";

export interface FileEntry {
  path: string;
  name: string;
  size: number;
  is_dir: boolean;
  modified_at: string;
}

export interface Folder {
  /** Null until it is read. */
  entries: FileEntry[] | null;
  truncated: boolean;
  problem: Problem | null;
}

export interface FileTree {
  /** By path; the project's own folder is "". */
  folders: Readonly<Record<string, Folder>>;
  open: ReadonlySet<string>;
}

export const emptyTree: FileTree = { folders: {}, open: new Set() };

export type TreeRow =
  | { kind: "entry"; entry: FileEntry; level: number; isOpen: boolean }
  /** A note in place of a folder's entries, or after them. */
  | { kind: "remark"; folder: string; level: number; remark: "loading" | "empty" | "truncated" | Problem };

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

export function sortEntries(entries: FileEntry[]): FileEntry[] {
  return entries.toSorted((one, other) =>
    one.is_dir === other.is_dir ? collator.compare(one.name, other.name) : one.is_dir ? -1 : 1,
  );
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

export function listRows({ folders, open }: FileTree, folder = "", level = 1): TreeRow[] {
  const known = folders[folder];
  if (known?.problem) return [{ kind: "remark", folder, level, remark: known.problem }];
  if (!known?.entries) return [{ kind: "remark", folder, level, remark: "loading" }];
  const rows = known.entries.flatMap((entry): TreeRow[] => {
    const isOpen = entry.is_dir && open.has(entry.path);
    const row: TreeRow = { kind: "entry", entry, level, isOpen };
    return isOpen ? [row, ...listRows({ folders, open }, entry.path, level + 1)] : [row];
  });
  if (known.entries.length === 0) return [{ kind: "remark", folder, level, remark: "empty" }];
  if (known.truncated) rows.push({ kind: "remark", folder, level, remark: "truncated" });
  return rows;
}

/** What a key does in a tree, as in other programs. Null for any other key. */
export function moveInTree(
  rows: TreeRow[],
  from: string | null,
  key: string,
): { focus?: string; toggle?: string } | null {
  const entries = rows.flatMap((row) => (row.kind === "entry" ? [row] : []));
  const place = entries.findIndex(({ entry }) => entry.path === from);
  const now = entries[place];
  const to = (index: number) => {
    const target = entries[Math.max(0, Math.min(entries.length - 1, index))];
    return target ? { focus: target.entry.path } : {};
  };
  switch (key) {
    case "ArrowDown":
      return to(place + 1);
    case "ArrowUp":
      return to(place - 1);
    case "Home":
      return to(0);
    case "End":
      return to(entries.length - 1);
    case "ArrowRight":
      if (!now?.entry.is_dir) return {};
      if (!now.isOpen) return { toggle: now.entry.path };
      return (entries[place + 1]?.level ?? 0) > now.level ? to(place + 1) : {};
    case "ArrowLeft": {
      if (!now) return {};
      if (now.isOpen) return { toggle: now.entry.path };
      const parent = parentOf(now.entry.path);
      return parent === "" ? {} : { focus: parent };
    }
    default:
      return null;
  }
}
