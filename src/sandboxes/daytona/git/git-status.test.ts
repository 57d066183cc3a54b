import { describe, expect, it } from "vitest";
import { processorTime } from "../../../../test/fakes/processor-time.ts";
import { mapFiles, readStatus } from "./git-status.ts";

const read = (...entries: string[]) => readStatus(entries.join("\x1e"));
const ids = "100644 100644 100644 1111111 2222222";

describe("a status of git's own", () => {
  it("is read with a word for each place of a file", () => {
    expect(
      read(
        "# branch.oid 1111111",
        "# branch.head main",
        "# branch.upstream origin/main",
        "# branch.ab +2 -3",
        `1 M. N... ${ids} a b.txt`,
        `1 .D N... ${ids} gone`,
        `1 A. N... ${ids} new`,
        `1 .T N... ${ids} link`,
        `u UU N... 100644 100644 100644 100644 1 2 3 both`,
        "? left over",
        "! ignored",
        "",
      ),
    ).toEqual({
      changes: [
        { path: "a b.txt", staged: "Modified", unstaged: "Unmodified" },
        { path: "both", staged: "Updated but unmerged", unstaged: "Updated but unmerged" },
        { path: "gone", staged: "Unmodified", unstaged: "Deleted" },
        { path: "left over", staged: "Unmodified", unstaged: "Untracked" },
        { path: "link", staged: "Unmodified", unstaged: "Modified" },
        { path: "new", staged: "Added", unstaged: "Unmodified" },
      ],
      ahead: 2,
      behind: 3,
      is_published: true,
    });
  });

  it("without a remote has nothing to push or pull", () => {
    expect(read("# branch.oid (initial)", "# branch.head main")).toEqual({
      ...{ changes: [], ahead: 0, behind: 0, is_published: false },
    });
  });
});

describe("the files of a commit", () => {
  const place = { root: "/home/user/app", shown: "app" };
  const changesIn = (...names: string[]) => read(...names.map((name) => `? ${name}`)).changes;

  it("are changes, folders that hold one, or within an untracked folder", () => {
    const changes = changesIn("a-b", "a/x", "a.txt", "lib/", "lib2", "src/deep/one", "app/y");
    const names = ["a", "a/x", "lib", "lib/some/file", "app/a.txt", "./src/", "src/deep", "app/y", "app"];
    expect(mapFiles(names, place, changes)).toEqual([
      "a",
      "a/x",
      "lib",
      "lib/some/file",
      "a.txt",
      "src",
      "src/deep",
      "app/y",
      ".",
    ]);
    for (const name of ["b", "lib3", "a/y", "src/d", "li", "z"])
      expect(() => mapFiles([name], place, changes), name).toThrow("has not changed");
  });

  it("cost their number, however many have changed", async () => {
    const names = Array.from({ length: 50_000 }, (_, at) => `folder/${at}`);
    const changes = changesIn(...names);
    expect(await processorTime(() => mapFiles(names, place, changes))).toBeLessThan(2_000);
  });
});
