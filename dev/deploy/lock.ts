// One command at a time for an environment of this machine: two would write each other's files, and setup would make two
// encryption keys of which one is lost. The lock is a socket, so that a kill leaves none.
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTaken, nameFolder, takeSocket } from "../lock-socket.ts";
import { Failure } from "./failure.ts";
import type { Place } from "./place.ts";

/** Returns what lets the next one in. */
export async function lockPlace({ folder, environment }: Pick<Place, "folder" | "environment">): Promise<() => void> {
  const path = describePath(`taskloom-deploy-${await nameFolder(folder)}`);
  const isFile = path.startsWith(tmpdir());
  try {
    if (isFile && !(await isTaken(path))) await rm(path, { force: true });
    const server = (await takeSocket(path)).unref();
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
