import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findBuild, hashSources, listFiles, type Making } from "./kept-builds.ts";
import { hashPage } from "./page.ts";

let root: string;
let builds: string;
let made: number;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-kept-"));
  builds = join(root, "dist");
  made = 0;
});
afterEach(() => rm(root, { recursive: true, force: true }));

function makingOf(source: () => string, during: () => Promise<void> = async () => {}): Making {
  return {
    hash: async () => `of-${source()}`,
    async make(folder) {
      made += 1;
      await mkdir(join(folder, "files"));
      await writeFile(join(folder, "files/text"), source());
      await during();
    },
  };
}

/** Finds or makes the build of this source. */
const find = (source: string): Promise<string> =>
  findBuild(
    builds,
    makingOf(() => source),
  );

const read = (folder: string): Promise<string> => readFile(join(folder, "files/text"), "utf8");

describe("a kept build", () => {
  it("is made once, and again for other sources; both stay", async () => {
    for (const source of ["one", "one", "two", "one", "two"]) {
      expect(await read(await find(source))).toBe(source);
    }
    expect(made).toBe(2);
    expect((await readdir(builds)).sort()).toEqual(["of-one", "of-two"]);
  });

  it.each([
    ["a file is missing", (folder: string) => rm(join(folder, "files/text"))],
    ["a file is cut short", (folder: string) => writeFile(join(folder, "files/text"), "o")],
    ["a file is one too many", (folder: string) => writeFile(join(folder, "files/more"), "")],
    ["its record is missing", (folder: string) => rm(join(folder, "build.json"))],
    ["its record is cut short", (folder: string) => writeFile(join(folder, "build.json"), "[")],
  ])("is made again where %s", async (_, damage) => {
    const making = makingOf(() => "one");
    await damage(await findBuild(builds, making));
    expect(await read(await findBuild(builds, making))).toBe("one");
    expect(made).toBe(2);
  });

  it("is made again when a source changes meanwhile, and what was made of both is not kept", async () => {
    let source = "one";
    const change = async (): Promise<void> => {
      source = "two";
    };
    expect(
      await read(
        await findBuild(
          builds,
          makingOf(() => source, change),
        ),
      ),
    ).toBe("two");
    expect(await readdir(builds)).toEqual(["of-two"]);
  });

  it("is not there after one that fails, and the next start makes it", async () => {
    const fail = (): Promise<void> => Promise.reject(new Error("no build"));
    await expect(
      findBuild(
        builds,
        makingOf(() => "one", fail),
      ),
    ).rejects.toThrow("no build");
    expect(await readdir(builds)).toEqual([]);
    expect(await read(await find("one"))).toBe("one");
  });

  it("is not there after a process that is killed in the middle, and the next start makes it", async () => {
    const script = `
      import { writeFile } from "node:fs/promises";
      import { join } from "node:path";
      import { findBuild } from ${JSON.stringify(join(import.meta.dirname, "kept-builds.ts"))};
      await findBuild(process.argv[1], {
        hash: async () => "of-one",
        async make(folder) {
          await writeFile(join(folder, "text"), "half");
          process.kill(process.pid, "SIGKILL");
        },
      });`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, builds]);
    await expect(run).rejects.toMatchObject({ signal: "SIGKILL" });
    expect(await readdir(builds)).toEqual([expect.stringMatching(/^making-/)]);
    expect(await read(await find("one"))).toBe("one");
  });

  it("is one folder for two starts that both make it", async () => {
    const both = Promise.withResolvers<void>();
    const meet = async (): Promise<void> => {
      if (made === 2) both.resolve();
      await both.promise;
    };
    const making = makingOf(() => "one", meet);
    const folders = await Promise.all([findBuild(builds, making), findBuild(builds, making)]);
    expect(folders[0]).toBe(folders[1]);
    expect(await readdir(builds)).toEqual(["of-one"]);
    expect(await read(folders[0])).toBe("one");
  });

  it("is removed once twenty others were used since, unless it is used", async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    const old = await find("old");
    const used = await find("used");
    for (const folder of [old, used]) await utimes(folder, hourAgo, hourAgo);
    await find("used");
    for (let index = 0; index < 21; index++) await find(String(index));
    const left = await readdir(builds);
    expect(left).toContain("of-used");
    expect(left).not.toContain("of-old");
  });
});

describe("the name of a build", () => {
  it("follows the content and the names of its files", async () => {
    await mkdir(join(root, "src/deep"), { recursive: true });
    await writeFile(join(root, "src/deep/a"), "1");
    await writeFile(join(root, "src/b"), "2");
    const files = await listFiles(root, "src");
    expect(files).toEqual(["src/b", "src/deep/a"]);
    const name = await hashSources(root, "", files);
    await utimes(join(root, "src/b"), 0, 0);
    expect(await hashSources(root, "", files)).toBe(name);
    expect(await hashSources(root, "other", files)).not.toBe(name);
    await writeFile(join(root, "src/b"), "3");
    expect(await hashSources(root, "", files)).not.toBe(name);
  });
});

describe("the name of a page", () => {
  const sources = ["src/web/app/a.tsx", "src/web/public/_headers", "src/protocol/b.ts", "src/lib/c.ts"];
  const settings = ["vite.config.ts", "tsconfig.json", "package-lock.json"];

  beforeEach(async () => {
    for (const path of [...sources, ...settings, "src/web/app/a.test.tsx"]) {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), "one");
    }
  });

  it.each([...sources, ...settings])("is another one when %s changes", async (path) => {
    const before = await hashPage(root);
    expect(await hashPage(root)).toBe(before);
    await writeFile(join(root, path), "two");
    expect(await hashPage(root)).not.toBe(before);
  });

  it("stays when a test changes", async () => {
    const before = await hashPage(root);
    await writeFile(join(root, "src/web/app/a.test.tsx"), "two");
    expect(await hashPage(root)).toBe(before);
  });
});
