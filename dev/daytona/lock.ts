/**
 * One server per state directory, and the short-lived folder for its sockets.
 *
 * The folder's name follows from the state directory, so that what a killed server left is found and removed by the next
 * one. The lock is a unix socket in it: unlike a file with a process id it can't outlive its server.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Lock {
  /** A short path, since that of a unix socket may have about a hundred characters. */
  folder: string;
  release(): Promise<void>;
}

export async function lockState(stateDirectory: string): Promise<Lock> {
  const name = createHash("sha256").update(stateDirectory).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `daytona-${name}`);
  await claimFolder(folder);
  const path = join(folder, "lock");
  if (await answers(path)) throw new Error(`another server uses the state directory ${stateDirectory}`);
  await rm(folder, { recursive: true, force: true });
  await claimFolder(folder);
  const server = await listen(path);
  return {
    folder,
    release: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await rm(folder, { recursive: true, force: true });
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
