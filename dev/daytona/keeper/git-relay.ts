/**
 * The way out for one run of git: a port on the sandbox's loopback interface whose connections the server takes over.
 *
 * Each connection is announced on the run's channel by its number; the server then asks for it on a channel of its own,
 * which from there on carries its bytes. What may pass is the server's to say (see `../relay.ts`): in here nothing is
 * known but an address, and no password ever is.
 */
import { createServer, type Server, type Socket } from "node:net";
import { answer, type Channel, type Request } from "./channel.ts";
import { KeeperError } from "./failures.ts";
import { writeJson } from "./frames.ts";

/** git opens one or two at a time. */
const maxConnections = 16;
/** Until the server asks for a connection that was announced to it. */
const pickUpMs = 10_000;

interface Waiting {
  socket: Socket;
  timer: NodeJS.Timeout;
}

const waiting = new Map<number, Waiting>();
let lastNumber = 0;

export interface Door {
  /** What makes git go through it: for this run only, so that nothing of it is stored. */
  args: string[];
  close(): void;
}

/** For one address, which stays the remote's address in the repository. */
export async function openDoor(channel: Channel, address: string): Promise<Door> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    lastNumber += 1;
    const number = lastNumber;
    const timer = setTimeout(() => socket.destroy(), pickUpMs);
    sockets.add(socket);
    waiting.set(number, { socket, timer });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(timer);
      waiting.delete(number);
      sockets.delete(socket);
    });
    void writeJson(channel.socket, { connection: number });
  });
  server.maxConnections = maxConnections;
  const port = await listen(server);
  const base = `http://127.0.0.1:${port}/repository`;
  return {
    args: [
      // Also a push address is one that the sandbox's own rules could rewrite.
      ...["-c", `url.${base}.insteadOf=${address}`, "-c", `url.${base}.pushInsteadOf=${address}`],
      // An empty proxy is none, whatever the environment says.
      ...["-c", "http.proxy=", "-c", "http.followRedirects=false"],
      // Helpers and hooks could use the way out as long as it is open, and nobody asked for them.
      ...["-c", "credential.helper=", "-c", "core.hooksPath=/dev/null"],
    ],
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Hands a connection to the server: after the answer the channel is its bytes. */
export async function joinConnection(channel: Channel, request: Request): Promise<void> {
  const number = Number(request.connection);
  const { socket, timer } = waiting.get(number) ?? {};
  if (!socket) throw new KeeperError(404, "NOT_FOUND", "there is no such connection");
  clearTimeout(timer);
  waiting.delete(number);
  await answer(channel, {});
  channel.reader.release();
  socket.once("close", () => channel.socket.destroySoon());
  channel.socket.once("close", () => socket.destroy());
  channel.socket.pipe(socket).pipe(channel.socket);
  await new Promise<void>((resolve) => {
    channel.socket.once("close", () => resolve());
  });
}
