import { describe, expect, it } from "vitest";
import { type FileEntry, type FileTree, listRows, moveInTree, sortEntries } from "./file-tree.ts";

function entry(path: string, is_dir = false): FileEntry {
  return { path, name: path.slice(path.lastIndexOf("/") + 1), size: 1, is_dir, modified_at: "" };
}

function folder(...entries: FileEntry[]) {
  return { entries, truncated: false, problem: null };
}

const tree: FileTree = {
  folders: { "": folder(entry("src", true), entry("a.md")), src: folder(entry("src/lib", true), entry("src/x.ts")) },
  open: new Set(["src"]),
};

describe("the tree of files", () => {
  it("lists folders first, and numbers in numeric order", () => {
    const names = sortEntries([entry("b10"), entry("B2"), entry("z", true), entry("a")]).map(({ name }) => name);
    expect(names).toEqual(["z", "a", "B2", "b10"]);
  });

  it("lists the rows of open folders below them", () => {
    const rows = listRows(tree).map((row) => (row.kind === "entry" ? `${row.level} ${row.entry.path}` : row.remark));
    expect(rows).toEqual(["1 src", "2 src/lib", "2 src/x.ts", "1 a.md"]);
  });

  it("shows that a folder is being read, is empty, or has more entries", () => {
    const remarks = (...args: Parameters<typeof listRows>) =>
      listRows(...args).flatMap((row) => (row.kind === "remark" ? [row.remark] : []));
    expect(remarks({ folders: {}, open: new Set() })).toEqual(["loading"]);
    expect(remarks({ folders: { "": folder() }, open: new Set() })).toEqual(["empty"]);
    const cut = { ...folder(entry("a")), truncated: true };
    expect(remarks({ folders: { "": cut }, open: new Set() })).toEqual(["truncated"]);
  });

  it("is operated with the keyboard", () => {
    const rows = listRows(tree);
    const path: string[] = [];
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "End", "ArrowUp", "ArrowLeft"]) {
      const from = path.at(-1) ?? null;
      path.push(moveInTree(rows, from, key)?.focus ?? from ?? "");
    }
    expect(path).toEqual(["src", "src/lib", "src/lib", "a.md", "src/x.ts", "src"]);
    expect(moveInTree(rows, "src/lib", "ArrowRight")).toEqual({ toggle: "src/lib" });
    expect(moveInTree(rows, "src", "ArrowLeft")).toEqual({ toggle: "src" });
    expect(moveInTree(rows, "src", "ArrowRight")).toEqual({ focus: "src/lib" });
    expect(moveInTree(rows, "src", "x")).toBe(null);
  });
});
