// A lock that ends with its process: a socket with a name that only one process can take. Unlike a file with a process
// id, it leaves nothing behind after a kill.
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";

/** One folder under two names (a link) has one. */
export async function nameFolder(folder: string): Promise<string> {
  return createHash("sha256")
    .update(await realpath(folder))
    .digest("hex")
    .slice(0, 16);
}

/** Whether a process has the socket. A file of a socket may be a leftover. */
export function isTaken(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Rejects with EADDRINUSE if another process has it. */
export function takeSocket(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
