/**
 * Allows one server per state directory, and creates the short-lived folder for its sockets.
 *
 * The folder's name derives from the state directory, so the next server finds and removes what a killed one left. Linux
 * has socket names without a file, which only one server can take and which end with it, so of several servers that
 * start at once all but one are refused. Elsewhere the socket is a file in the folder; connecting to it distinguishes a
 * lock from a leftover.
 */
import { lstat, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTaken, nameFolder, takeSocket } from "../lock-socket.ts";

export interface Lock {
  /** A folder with a short path: the path of a unix socket is limited to about a hundred characters. */
  folder: string;
  release(): Promise<void>;
}

export async function lockState(stateDirectory: string): Promise<Lock> {
  const name = await nameFolder(stateDirectory);
  const folder = join(tmpdir(), `daytona-${name}`);
  const refusal = new Error(`another server uses the state directory ${stateDirectory}`);
  const hasNames = process.platform === "linux";
  const path = hasNames ? `\0daytona-${name}` : join(folder, "lock");
  if (!hasNames && (await isTaken(path))) throw refusal;
  const claim = async (): Promise<void> => {
    await claimFolder(folder);
    await rm(folder, { recursive: true, force: true });
    await claimFolder(folder);
  };
  if (!hasNames) await claim();
  const server = await takeSocket(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? refusal : error;
  });
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  try {
    if (hasNames) await claim();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    folder,
    // The folder is removed first: once the lock is free it may belong to the next server.
    release: async () => {
      await rm(folder, { recursive: true, force: true });
      await close();
    },
  };
}

/** The folder for temporary files is shared by all users: a folder that someone else created there is not used. */
async function claimFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  const mine = stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
  if (!mine) throw new Error(`${folder} belongs to someone else`);
}
