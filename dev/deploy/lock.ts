// One command at a time for an environment of this machine: two would write each other's files, and setup would make two
// encryption keys of which one is lost. The lock is a socket, which ends with its process, so that a kill leaves none.
import { createHash } from "node:crypto";
import { realpath, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "./failure.ts";
import type { Place } from "./place.ts";

/** Returns what lets the next one in. */
export async function lockPlace({ folder, environment }: Pick<Place, "folder" | "environment">): Promise<() => void> {
  // One folder under two names (a link) has one lock.
  const name = createHash("sha256")
    .update(await realpath(folder))
    .digest("hex")
    .slice(0, 16);
  const path = describePath(`taskloom-deploy-${name}`);
  const isFile = path.startsWith(tmpdir());
  try {
    if (isFile && !(await answers(path))) await rm(path, { force: true });
    const server = await listen(path);
    return () => void server.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Failure(`another setup or deploy of ${environment} is at work`, "Wait for its end, and run it again.");
  }
}

/** Linux and Windows have names of sockets without a file. */
function describePath(name: string): string {
  if (process.platform === "linux") return `\0${name}`;
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name);
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
    server.listen(path, () => resolve(server.unref()));
  });
}
