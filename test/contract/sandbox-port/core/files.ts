// The core of the contract for files, folders and searches.
import { expect, it } from "vitest";
import type { FileSearch } from "../../../../src/agent/sandbox.ts";
import { failureOf, readText, run, sandbox, search, untilEnd, writeText } from "../fixture.ts";

export function describeFileCore(): void {
  it("are written and read with any bytes under any name, and their folders are created", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7 + (index >> 8)) % 256);
    await sandbox.writeFile("deep/er/data.bin", bytes, untilEnd());
    expect(await sandbox.readFile("deep/er/data.bin", untilEnd())).toEqual(bytes);
    await writeText("商店/a b 'q' \"d\" #1?&=+;%20.txt", "你好\r\n");
    expect(await readText("商店/a b 'q' \"d\" #1?&=+;%20.txt")).toBe("你好\r\n");
    for (const name of ["文.txt", "日本 語.md"]) {
      await writeText(name, name);
      expect(await readText(name)).toBe(name);
    }
    await sandbox.writeFile("empty", new Uint8Array(), untilEnd());
    expect(await sandbox.readFile("empty", untilEnd())).toHaveLength(0);
  });

  it("are overwritten, even by shorter content", async () => {
    await writeText("over.txt", "long content");
    await writeText("over.txt", "short");
    expect(await readText("over.txt")).toBe("short");
    expect((await run("cat over.txt")).output).toBe("short");
  });

  it("have relative and absolute paths", async () => {
    const work = (await run("pwd")).output.trim();
    await writeText(`${work}/same.txt`, "same");
    expect(await readText("./x/../same.txt")).toBe("same");
    await writeText("/tmp/elsewhere.txt", "elsewhere");
    expect((await run("cat /tmp/elsewhere.txt")).output).toBe("elsewhere");
  });

  it("are refused outside of the work dir, and under an impossible path", async () => {
    for (const path of ["../up.txt", "a/../../up.txt", "line\nfeed", "nul\0", " space "]) {
      expect((await failureOf(writeText(path, ""))).code).toBe("invalid");
    }
  });

  it("are named in the error when they do not exist", async () => {
    for (const attempt of [
      () => sandbox.readFile("missing.txt", untilEnd()),
      () => sandbox.deleteFile("missing.txt", false, untilEnd()),
      () => sandbox.moveFile("missing.txt", "there.txt", untilEnd()),
      () => sandbox.listFiles("missing.txt", 1, untilEnd()),
    ]) {
      const error = await failureOf(attempt());
      expect(error.code).toBe("not_found");
      expect(error.message).toContain("missing.txt");
    }
  });

  it("differ from folders", async () => {
    await writeText("kinds/file", "x");
    expect((await failureOf(sandbox.readFile("kinds", untilEnd()))).code).toBe("invalid");
    expect((await failureOf(sandbox.listFiles("kinds/file", 1, untilEnd()))).code).toBe("invalid");
    expect((await failureOf(writeText("kinds", "x"))).code).not.toBe("unavailable");
    expect((await failureOf(writeText("kinds/file/below", "x"))).code).not.toBe("unavailable");
    expect(await readText("kinds/file")).toBe("x");
  });
}

export function describeFolderCore(): void {
  it("are deleted, and a folder only recursively", async () => {
    await writeText("doomed/file.txt", "x");
    expect((await failureOf(sandbox.deleteFile("doomed", false, untilEnd()))).code).toBe("invalid");
    await sandbox.deleteFile("doomed/file.txt", false, untilEnd());
    expect((await failureOf(readText("doomed/file.txt"))).code).toBe("not_found");
    await sandbox.deleteFile("doomed", true, untilEnd());
    expect((await failureOf(sandbox.listFiles("doomed", 1, untilEnd()))).code).toBe("not_found");
  });

  it("never include the work dir in a deletion or a move", async () => {
    for (const path of [".", "/", "~"]) {
      expect((await failureOf(sandbox.deleteFile(path, true, untilEnd()))).code).toBe("refused");
    }
    expect((await failureOf(sandbox.moveFile(".", "/tmp/work", untilEnd()))).code).toBe("refused");
  });

  it("are moved to a new place, never over something", async () => {
    await writeText("from/a.txt", "a");
    await writeText("taken.txt", "taken");
    await sandbox.moveFile("from/a.txt", "to/be/made/b.txt", untilEnd());
    expect(await readText("to/be/made/b.txt")).toBe("a");
    expect((await failureOf(sandbox.moveFile("to/be/made/b.txt", "taken.txt", untilEnd()))).code).toBe("invalid");
    expect(await readText("taken.txt")).toBe("taken");
    await sandbox.moveFile("to/be", "moved", untilEnd());
    expect(await readText("moved/made/b.txt")).toBe("a");
    expect((await failureOf(sandbox.moveFile("moved", "moved/inside", untilEnd()))).code).toBe("invalid");
  });

  it("are listed to the requested depth, without what packages bring", async () => {
    await writeText("tree/one.txt", "12345");
    await writeText("tree/sub/two.txt", "");
    await writeText("tree/sub/deep/three.txt", "");
    await writeText("tree/node_modules/package/index.js", "");
    const list = async (depth: number) => (await sandbox.listFiles("tree", depth, untilEnd())).map(({ path }) => path);
    expect(await list(1)).toEqual(["tree/node_modules", "tree/one.txt", "tree/sub"]);
    expect(await list(2)).toEqual([
      "tree/node_modules",
      "tree/one.txt",
      "tree/sub",
      "tree/sub/deep",
      "tree/sub/two.txt",
    ]);
    expect(await list(9)).toContain("tree/sub/deep/three.txt");
    expect(await list(9)).not.toContain("tree/node_modules/package");
    const entries = await sandbox.listFiles("tree", 1, untilEnd());
    expect(entries.find(({ path }) => path === "tree/one.txt")).toMatchObject({ size: 5, is_dir: false });
    expect(entries.find(({ path }) => path === "tree/sub")).toMatchObject({ is_dir: true });
    for (const { modified_at } of entries) expect(Date.parse(modified_at)).toBeGreaterThan(Date.parse("2020-01-01"));
  });

  it("are found by a glob on their name, in any folder", async () => {
    await writeText("code/a.ts", "");
    await writeText("code/inner/商.ts", "");
    await writeText("code/inner/b.tsx", "");
    await writeText("code/node_modules/c.ts", "");
    const find = (path: string, glob: string) => sandbox.findFiles(path, glob, untilEnd());
    expect(await find("code", "*.ts")).toEqual(["code/a.ts", "code/inner/商.ts"]);
    expect(await find("code", "**/*.ts")).toEqual(["code/a.ts", "code/inner/商.ts"]);
    expect(await find("", "code/inner/*.ts")).toEqual(["code/inner/商.ts"]);
    expect(await find("code", "?.ts")).toEqual(["code/a.ts", "code/inner/商.ts"]);
    expect(await find("code", "nothing-like-this")).toEqual([]);
    expect(await find("code/node_modules", "*.ts")).toEqual(["code/node_modules/c.ts"]);
    expect((await failureOf(find("code", "*/*/*/*/*/*/*/*/*/*"))).code).toBe("invalid");
  });

  it("are found by a literal text in their lines", async () => {
    await writeText("text/one.txt", "first\nprice (a.b)* = 价格\nlast\n");
    await writeText("text/two.txt", "price (aXb)* = 价格\n");
    await writeText("text/node_modules/x.txt", "price (a.b)* = 价格\n");
    const line = { path: "text/one.txt", line: 2, text: "price (a.b)* = 价格" };
    expect(await search("text", "(a.b)* = 价")).toEqual({ matches: [line], problem: null });
    expect(await search("text", "nowhere")).toEqual({ matches: [], problem: null });
    expect((await failureOf(search("text", ""))).code).toBe("invalid");
    expect((await failureOf(search("text", "a\nb"))).code).toBe("invalid");
  });

  it("are found in any case, and in files that fit a glob, if that is asked for", async () => {
    for (const path of ["some/A.ts", "some/sub/b.ts", "some/sub/c.js"]) await writeText(path, "Some Words\n");
    const paths = async (options: Partial<FileSearch>) =>
      (await search("some", "some words", { ignore_case: true, ...options })).matches.map(({ path }) => path);
    expect(await paths({ ignore_case: false })).toEqual([]);
    expect(await paths({})).toEqual(["some/A.ts", "some/sub/b.ts", "some/sub/c.js"]);
    expect(await paths({ glob: "*.ts" })).toEqual(["some/A.ts", "some/sub/b.ts"]);
    expect(await paths({ glob: "sub/*.ts" })).toEqual(["some/sub/b.ts"]);
    expect(await paths({ glob: "**/*.js" })).toEqual(["some/sub/c.js"]);
  });
}
