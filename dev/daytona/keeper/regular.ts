/**
 * Opens folders and files so that nothing a command has placed in the path can block the keeper.
 *
 * Node's recursive `mkdir` retries for ever where the kernel reports "no such file" for a parent that exists (as /proc
 * does), and opening a pipe waits for its other end. Each such request would block one of the keeper's few threads.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { KeeperError } from "./failures.ts";

function readCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Creates the folder and its parents; each is tried once on the way up and once on the way down. */
export async function makeFolders(path: string): Promise<void> {
  const missing: string[] = [];
  for (let current = path; !(await makeFolder(current)); current = dirname(current)) {
    if (dirname(current) === current) return;
    missing.push(current);
  }
  for (const folder of missing.reverse()) {
    if (await makeFolder(folder)) continue;
    throw new KeeperError(404, "FILE_NOT_FOUND", `no folder can be made in ${dirname(folder)}`);
  }
}

/** Returns whether the folder exists now; false when its parent is missing. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const code = readCode(error);
    if (code === "ENOENT") return false;
    // For the root and mount points some kernels return another code than EEXIST; what counts is that a folder exists.
    if (["EEXIST", "EROFS", "EACCES", "EPERM"].includes(code)) {
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isDirectory()) return true;
      if (code === "EEXIST") throw new KeeperError(400, "BAD_REQUEST", "not a directory");
    }
    throw error;
  }
}

/**
 * Checked before it is opened, since opening a device may have effects, and again afterwards, since it may have been
 * replaced.
 */
export async function openRegular(path: string, flags: number): Promise<FileHandle> {
  refuseOthers(await stat(path));
  const file = await open(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    refuseOthers(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function refuseOthers(stats: { isFile(): boolean; isDirectory(): boolean }): void {
  if (stats.isDirectory()) throw new KeeperError(400, "INVALID_FILE_PATH", "is a directory");
  if (!stats.isFile()) throw new KeeperError(400, "INVALID_FILE_PATH", "not a regular file");
}
