/** Folders and operations within them: lists, moves, permissions, searches and replacements. */
import { describe, expect, it } from "vitest";
import { makeFolder, sandbox, statusOf } from "./place.ts";

function send(path: string, content: string | Buffer): Promise<void> {
  return sandbox.fs.uploadFile(Buffer.from(content), path);
}

/** Paths are relative or absolute: 0.190 returns them as requested, newer ones as they are. */
function below(folder: string, paths: string[]): string[] {
  return paths.map((path) => path.slice(path.indexOf(`${folder}/`) + folder.length + 1)).sort();
}

export function describeFolders(): void {
  describe("a folder", () => {
    it("is created with all above it, and may be created again", async () => {
      const folder = await makeFolder();
      await sandbox.fs.createFolder(`${folder}/a/b`, "755");
      await sandbox.fs.createFolder(`${folder}/a/b`, "755");
      expect(await sandbox.fs.getFileDetails(`${folder}/a/b`)).toMatchObject({ name: "b", isDir: true });
    });

    it("is created with the requested mode", async () => {
      const folder = await makeFolder();
      await sandbox.fs.createFolder(`${folder}/private`, "700");
      expect(await sandbox.fs.getFileDetails(`${folder}/private`)).toMatchObject({
        permissions: "0700",
        mode: "drwx------",
      });
      expect(await statusOf(sandbox.fs.createFolder(`${folder}/odd`, "rwx"))).toBe(400);
    });

    it("can't be created where a file is", async () => {
      const folder = await makeFolder();
      await send(`${folder}/file`, "");
      expect(await statusOf(sandbox.fs.createFolder(`${folder}/file`, "755"))).toBe(400);
      expect(await statusOf(sandbox.fs.createFolder(`${folder}/file/below`, "755"))).toBe(400);
    });

    it("lists its entries, each described", async () => {
      const folder = await makeFolder();
      await send(`${folder}/b.txt`, "four");
      await send(`${folder}/a/leaf.txt`, "leaf");
      const listed = await sandbox.fs.listFiles(folder);
      expect(listed.map(({ name }) => name)).toEqual(["a", "b.txt"]);
      const [a, b] = listed;
      expect(a).toMatchObject({ isDir: true });
      expect(b).toMatchObject({ isDir: false, size: 4, mode: expect.stringMatching(/^-rw-/) });
      expect(b?.permissions).toMatch(/^0[0-7]{3}$/);
      expect(b?.owner).toMatch(/^\d+$/);
      expect(b?.group).toMatch(/^\d+$/);
      expect(Math.abs(Date.parse(b?.modifiedAt ?? "") - Date.now())).toBeLessThan(3_600_000);
      expect(b?.modTime).toMatch(/^\d{4}-\d\d-\d\d /);
    });

    it("lists what is below it, with paths, where the daemon supports depth", async () => {
      const folder = await makeFolder();
      await send(`${folder}/a/b/leaf.txt`, "leaf");
      const listed = await sandbox.fs.listFiles(folder, { depth: 2 });
      // 0.190 ignores the depth (pkg/toolbox/fs/list_files.go).
      if (listed.some(({ path }) => path !== undefined)) {
        expect(
          below(
            folder,
            listed.map(({ path }) => path ?? ""),
          ),
        ).toEqual(["a", "a/b"]);
      } else {
        expect(listed.map(({ name }) => name)).toEqual(["a"]);
      }
    });

    it("lists nothing when it is empty, and is no file", async () => {
      const folder = await makeFolder();
      expect(await sandbox.fs.listFiles(folder)).toEqual([]);
      await send(`${folder}/file`, "");
      expect(await statusOf(sandbox.fs.listFiles(`${folder}/file`))).toBe(400);
    });

    it("is deleted with its content only when that is requested", async () => {
      const folder = await makeFolder();
      await send(`${folder}/full/file`, "");
      expect(await statusOf(sandbox.fs.deleteFile(`${folder}/full`))).toBe(400);
      await sandbox.fs.deleteFile(`${folder}/full`, true);
      expect(await statusOf(sandbox.fs.getFileDetails(`${folder}/full`))).toBe(404);
    });
  });

  describe("a move", () => {
    it("takes files and folders, and overwrites nothing", async () => {
      const folder = await makeFolder();
      await send(`${folder}/from/file`, "moved");
      await send(`${folder}/taken`, "taken");
      await sandbox.fs.moveFiles(`${folder}/from`, `${folder}/to`);
      expect((await sandbox.fs.downloadFile(`${folder}/to/file`)).toString()).toBe("moved");
      expect(await statusOf(sandbox.fs.moveFiles(`${folder}/to/file`, `${folder}/taken`))).toBe(409);
      expect((await sandbox.fs.downloadFile(`${folder}/taken`)).toString()).toBe("taken");
      expect(await statusOf(sandbox.fs.moveFiles(`${folder}/taken`, `${folder}/no/such/taken`))).toBe(404);
    });
  });

  describe("a search by text", () => {
    it("finds lines by a literal text, in text files only", async () => {
      const folder = await makeFolder();
      await send(`${folder}/a.txt`, "first\nprice: $5 (.*)\nlast");
      await send(`${folder}/deep/b.txt`, "price: $5 (.*)");
      await send(`${folder}/binary`, "\0price: $5 (.*)");
      const found = await sandbox.fs.findFiles(folder, "$5 (.*)");
      expect(
        below(
          folder,
          found.map(({ file }) => file),
        ),
      ).toEqual(["a.txt", "deep/b.txt"]);
      expect(found.find(({ file }) => file.endsWith("a.txt"))).toMatchObject({ line: 2, content: "price: $5 (.*)" });
      expect(await sandbox.fs.findFiles(folder, "price.*5")).toEqual([]);
    });

    it("searches one file, and finds nothing where it does not exist", async () => {
      const folder = await makeFolder();
      await send(`${folder}/one.txt`, "needle\nhay\nneedle");
      expect((await sandbox.fs.findFiles(`${folder}/one.txt`, "needle")).map(({ line }) => line)).toEqual([1, 3]);
      expect(await sandbox.fs.findFiles(folder, "nowhere")).toEqual([]);
    });
  });

  describe("a search by name", () => {
    it("matches a pattern against each base name", async () => {
      const folder = await makeFolder();
      for (const name of ["a.yaml", "b.yml", "deep/c.yml", "d.txt", ".e.yml"]) await send(`${folder}/${name}`, "");
      const search = async (pattern: string): Promise<string[]> =>
        below(folder, (await sandbox.fs.searchFiles(folder, pattern)).files);
      expect(await search("*.y?ml")).toEqual(["a.yaml"]);
      expect(await search("*.yml")).toEqual([".e.yml", "b.yml", "deep/c.yml"]);
      expect(await search("[ab].*")).toEqual(["a.yaml", "b.yml"]);
      expect(await search("deep")).toEqual(["deep"]);
      expect(await search("deep/*")).toEqual([]);
      expect(await search("*.none")).toEqual([]);
    });
  });
}
