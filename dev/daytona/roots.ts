/**
 * The root folder of a sandbox that was built from a Dockerfile. Most Dockerfiles have `RUN mkdir /app` and `WORKDIR
 * /usr/src/app`; what is written there belongs to the sandbox from then on, as /home/daytona does. The system's folders
 * are mounted over it, read-only. A sandbox that was not built has none: its root can't be written to, as in Daytona,
 * where only an image can change that.
 *
 * Code in the sandbox may replace a folder there with a link. The mount points of the system's folders are therefore
 * created again before each start, while no process of the sandbox is left: bubblewrap would follow such a link
 * outside.
 */
import { existsSync, lstatSync } from "node:fs";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "./tree-removal.ts";

/** Folders of a sandbox beside `home` and `tmp`: for /, and for /usr/src, where node's own image has its app. */
export const rootFolder = "root";
export const sourceFolder = "src";

const sourcePath = "/usr/src";
/** Every image has these, and commands write to them without creating them. */
const usual = ["media", "mnt", "opt", "root", "srv", "var/cache", "var/lib", "var/log"];
/** These contain both mount points and the sandbox's own files. */
const parents = ["home", "opt", "var"];
/** These contain nothing of the sandbox's. */
const mounted = [
  ...["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "dev", "run", "etc", "tmp"],
  ...["home/daytona", "opt/daytona", "var/tmp"],
];

export async function openRoot(folder: string): Promise<void> {
  for (const name of [sourceFolder, ...usual.map((path) => join(rootFolder, path))]) {
    await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  }
}

export function hasRoot(folder: string): boolean {
  return existsSync(join(folder, rootFolder));
}

export async function prepareRoot(folder: string): Promise<void> {
  if (!hasRoot(folder)) return;
  const root = join(folder, rootFolder);
  // The sandbox may have removed its owner's permissions.
  await chmod(root, 0o755);
  for (const name of parents) {
    const path = join(root, name);
    const isFolder = await lstat(path)
      .then((stats) => stats.isDirectory())
      .catch(() => false);
    if (!isFolder) await removeTree(path);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);
  }
  for (const name of mounted) await removeTree(join(root, name));
}

/** `first` is mounted below the system's folders, `last` above them. A folder without a root of its own has neither. */
export function rootArguments(folder: string): { first: string[]; last: string[] } {
  if (!hasRoot(folder)) return { first: [], last: ["--remount-ro", "/"] };
  const hasSource = lstatSync(sourcePath, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return {
    first: ["--bind", join(folder, rootFolder), "/", "--tmpfs", "/etc", "--tmpfs", "/opt/daytona"],
    last: [
      ...(hasSource ? ["--bind", join(folder, sourceFolder), sourcePath] : []),
      ...["--remount-ro", "/etc", "--remount-ro", "/opt/daytona"],
    ],
  };
}
