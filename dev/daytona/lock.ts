/**
 * One server per state directory, and the short-lived folder for its sockets.
 *
 * The folder's name follows from the state directory, so that what a killed server left is found and removed by the next
 * one. The lock is a unix socket: unlike a file with a process id it can't outlive its server. Linux has names for sockets
 * without a file, which only one server can take and which end with it, so that of servers that start at the same moment
 * all but one are refused. Elsewhere it is a file in the folder, and what is left of it is told from a lock by asking.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, realpath, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Lock {
  /** A short path, since that of a unix socket may have about a hundred characters. */
  folder: string;
  release(): Promise<void>;
}

export async function lockState(stateDirectory: string): Promise<Lock> {
  // One directory under two names (a link) has one lock.
  const name = createHash("sha256")
    .update(await realpath(stateDirectory))
    .digest("hex")
    .slice(0, 16);
  const folder = join(tmpdir(), `daytona-${name}`);
  const refusal = new Error(`another server uses the state directory ${stateDirectory}`);
  const hasNames = process.platform === "linux";
  const path = hasNames ? `\0daytona-${name}` : join(folder, "lock");
  if (!hasNames && (await answers(path))) throw refusal;
  const claim = async (): Promise<void> => {
    await claimFolder(folder);
    await rm(folder, { recursive: true, force: true });
    await claimFolder(folder);
  };
  if (!hasNames) await claim();
  const server = await listen(path).catch((error: NodeJS.ErrnoException) => {
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
    // The folder goes first: once the lock is free it may be the next server's.
    release: async () => {
      await rm(folder, { recursive: true, force: true });
      await close();
    },
  };
}

/** The folder for temporary files is everyone's: a folder that someone else put there is not used. */
async function claimFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  const mine = stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
  if (!mine) throw new Error(`${folder} belongs to someone else`);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
