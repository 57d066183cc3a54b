// What runs before every npm script must never empty a folder that other checkouts use.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const lockfile = '{"name":"taskloom"}';
let folder: string;
let root: string;
let packages: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-ensure-"));
  [root, packages] = [join(folder, "checkout"), join(folder, "packages")];
  await mkdir(join(root, "scripts"), { recursive: true });
  await mkdir(join(folder, "bin"));
  await mkdir(packages);
  await copyFile(join(import.meta.dirname, "ensure.mjs"), join(root, "scripts/ensure.mjs"));
  await writeFile(join(root, "package-lock.json"), lockfile);
  // An npm that only says that it was called.
  await writeFile(join(folder, "bin/npm"), `#!/bin/sh\nmkdir -p node_modules\necho "$@" > '${folder}/called'\n`);
  await chmod(join(folder, "bin/npm"), 0o755);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function ensure() {
  const { npm_execpath: _, ...env } = process.env;
  const PATH = [join(folder, "bin"), join(process.execPath, ".."), env.PATH].join(delimiter);
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/ensure.mjs")], {
    env: { ...env, PATH },
    encoding: "utf8",
  });
  return { status, stderr };
}

const wasCalled = async () => (await readdir(folder)).includes("called");

/** Packages of another lockfile, older than this checkout's. */
async function installOther(): Promise<void> {
  await writeFile(join(packages, ".package-lock.json"), "{}");
  await writeFile(join(packages, ".taskloom-lock"), "another hash");
  await utimes(join(packages, ".package-lock.json"), 0, 0);
}

describe("before an npm script, packages", () => {
  it("are installed where there are none", async () => {
    expect(ensure()).toMatchObject({ status: 0 });
    expect(await readFile(join(folder, "called"), "utf8")).toMatch(/^ci /);
  });

  it("behind a link are used if they are those of the lockfile", async () => {
    await installOther();
    await writeFile(join(packages, ".taskloom-lock"), createHash("sha256").update(lockfile).digest("hex"));
    await symlink(packages, join(root, "node_modules"));
    expect(ensure()).toEqual({ status: 0, stderr: "" });
    expect(await wasCalled()).toBe(false);
  });

  it("behind a link are never replaced: the developer reads what to do", async () => {
    await installOther();
    await symlink(packages, join(root, "node_modules"));
    const { status, stderr } = ensure();
    expect(status).toBe(1);
    expect(stderr).toContain(`symbolic link to ${packages}`);
    expect(stderr).toContain("rm node_modules && npm ci");
    expect(await wasCalled()).toBe(false);
    expect(await readFile(join(packages, ".taskloom-lock"), "utf8")).toBe("another hash");
  });

  it("are not installed through a link that leads nowhere", async () => {
    await symlink(join(folder, "nowhere"), join(root, "node_modules"));
    expect(ensure()).toMatchObject({ status: 1, stderr: expect.stringContaining("leads nowhere") });
    expect(await wasCalled()).toBe(false);
  });

  it("behind a link keep the mark of their own checkout, also if they are newer than the lockfile", async () => {
    await installOther();
    await utimes(join(root, "package-lock.json"), 0, 0);
    await utimes(join(packages, ".package-lock.json"), 1, 1);
    await symlink(packages, join(root, "node_modules"));
    expect(ensure()).toEqual({ status: 0, stderr: "" });
    expect(await readFile(join(packages, ".taskloom-lock"), "utf8")).toBe("another hash");
  });
});
