/**
 * The relay port of one git run: a port on the sandbox's loopback interface whose connections the server takes over.
 *
 * Each connection is announced on the run's channel by its number. The server then requests it on a channel of its own,
 * which carries the connection's bytes from there on. The server decides what may pass (see `../relay.ts`): the keeper
 * knows only an address and never a password.
 */
import { createServer, type Server, type Socket } from "node:net";
import { answer, type Channel, type Request } from "./channel.ts";
import { KeeperError } from "./failures.ts";
import { writeJson } from "./frames.ts";

/** git opens one or two at a time. */
const maxConnections = 16;
/** How long an announced connection waits for the server to request it. */
const pickUpMs = 10_000;

interface Waiting {
  socket: Socket;
  timer: NodeJS.Timeout;
}

const waiting = new Map<number, Waiting>();
let lastNumber = 0;

export interface RelayPort {
  /** Where the repository is, as git gets it. */
  base: string;
  /** git arguments that route requests through the port, for this run only: nothing of it is stored. */
  args: string[];
  close(): void;
}

/** Opens a relay port for one address, which stays the remote's address in the repository. */
export async function openRelayPort(
  channel: Channel,
  address: string,
  announce = (number: number): unknown => writeJson(channel.socket, { connection: number }),
): Promise<RelayPort> {
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
    void announce(number);
  });
  server.maxConnections = maxConnections;
  const port = await listen(server);
  const base = `http://127.0.0.1:${port}/repository`;
  return {
    base,
    args: [
      // Rewrites the push address too, since the sandbox's own rules could.
      ...["-c", `url.${base}.insteadOf=${address}`, "-c", `url.${base}.pushInsteadOf=${address}`],
      // An empty proxy means none, whatever the environment says.
      ...["-c", "http.proxy=", "-c", "http.followRedirects=false"],
      // Credential helpers and hooks could use the port as long as it is open, and nobody asked for them.
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

/** Hands a connection to the server: after the reply, the channel carries its bytes. */
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
