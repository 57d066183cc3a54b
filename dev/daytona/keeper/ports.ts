/**
 * Ports inside the sandbox's network namespace.
 */
import { connect, type Socket } from "node:net";
import { answer, type Channel, KeeperError, type Request } from "./channel.ts";

export async function isPortInUse(request: Request): Promise<{ isInUse: boolean }> {
  const socket = await reachPort(Number(request.port)).catch(() => undefined);
  socket?.destroy();
  return { isInUse: socket !== undefined };
}

/** Connects the channel to a port: after the reply, the channel carries the connection's raw bytes. */
export async function joinPort(channel: Channel, request: Request): Promise<void> {
  const socket = await reachPort(Number(request.port));
  await answer(channel, {});
  channel.reader.release();
  socket.on("error", () => channel.socket.destroy());
  socket.once("close", () => channel.socket.destroySoon());
  channel.socket.once("close", () => socket.destroy());
  channel.socket.pipe(socket).pipe(channel.socket);
  await new Promise<void>((resolve) => {
    channel.socket.once("close", () => resolve());
  });
}

/** A server may listen on only one of the two loopback addresses. */
async function reachPort(port: number): Promise<Socket> {
  return dial(port, "127.0.0.1").catch(() => dial(port, "::1"));
}

function dial(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, allowHalfOpen: true });
    const refuse = (): void => {
      socket.destroy();
      reject(new KeeperError(502, "BAD_GATEWAY", `nothing answers on port ${port}`));
    };
    socket.once("error", refuse);
    socket.once("connect", () => {
      socket.off("error", refuse);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
