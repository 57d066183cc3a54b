/**
 * Named pipes for a command's three streams: `in`, `out` and `err` in one folder. Unlike the sockets that Node gives
 * its children, they can be opened again by name, as `/dev/stderr` and `/dev/stdin` are.
 */
import { type ChildProcess, execFile } from "node:child_process";
import { constants, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

const run = promisify(execFile);
const openDescriptor = promisify(open);

export async function makePipes(folder: string): Promise<void> {
  await run("mkfifo", [`${folder}/out`, `${folder}/err`, `${folder}/in`]);
}

/** Opened for reading before the shell opens it for writing; without O_NONBLOCK the open call would block a thread. */
export async function openOutput(path: string): Promise<Socket> {
  const fd = await openDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return wrapPipe(fd, { readable: true, writable: false });
}

/** Opened for reading and writing, since opening a pipe for writing alone fails while nobody reads it. */
export async function openInput(path: string): Promise<Socket> {
  const fd = await openDescriptor(path, constants.O_RDWR | constants.O_NONBLOCK);
  return wrapPipe(fd, { readable: false, writable: true });
}

/** Resolves when the shell reports on its first extra pipe that it has opened its streams. */
export function awaitReadiness(child: ChildProcess): Promise<void> {
  const reports = child.stdio[3] as Readable;
  reports.on("error", () => {});
  return new Promise((resolve) => {
    reports.once("data", () => resolve());
  });
}

function wrapPipe(fd: number, direction: { readable: boolean; writable: boolean }): Socket {
  const socket = new Socket({ fd, ...direction });
  socket.on("error", () => socket.destroy());
  return socket;
}
