/**
 * Relays for git that runs in a command. Its helper (`git-remote.ts`) connects here with an address and gets a relay
 * port; when the host asks for a password, the helper is asked for it. The relay ends with the helper's connection.
 */
import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Channel, Request } from "./channel.ts";
import { KeeperError } from "./failures.ts";
import { writeJson } from "./frames.ts";
import { openRelayPort } from "./git-relay.ts";
import { helperSocket } from "./settings.ts";

interface Helper {
  socket: Socket;
  /** Waits for the helper's next line. */
  answer: ((login: Record<string, unknown>) => void) | undefined;
}

const helpers = new Map<number, Helper>();
let lastId = 0;

/** Serves helpers for as long as the server listens on this channel. */
export async function serveRelays(channel: Channel): Promise<void> {
  rmSync(helperSocket, { force: true });
  const server = createServer((socket) => void serveHelper(channel, socket));
  server.on("error", () => {});
  server.maxConnections = 32;
  server.listen(helperSocket);
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next());
  server.close();
}

/** The login that git has for the remote; empty if it has none. */
export async function askForLogin(request: Request): Promise<Record<string, unknown>> {
  const helper = helpers.get(Number(request.relay));
  if (!helper) throw new KeeperError(404, "NOT_FOUND", "there is no such relay");
  return new Promise((resolve) => {
    helper.answer = resolve;
    helper.socket.once("close", () => resolve({}));
    helper.socket.write(`${JSON.stringify({ login: true })}\n`);
  });
}

async function serveHelper(channel: Channel, socket: Socket): Promise<void> {
  lastId += 1;
  const id = lastId;
  const helper: Helper = { socket, answer: undefined };
  helpers.set(id, helper);
  let close = (): void => {};
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    helpers.delete(id);
    close();
    void writeJson(channel.socket, { close: id });
  });
  const lines = createInterface({ input: socket });
  for await (const line of lines) {
    const said = parseLine(line);
    if (typeof said.address !== "string") {
      helper.answer?.(said);
      continue;
    }
    await writeJson(channel.socket, { open: id, address: said.address });
    const port = await openRelayPort(channel, said.address, (connection) =>
      writeJson(channel.socket, { relay: id, connection }),
    );
    close = port.close;
    if (socket.destroyed) close();
    socket.write(`${JSON.stringify({ base: port.base })}\n`);
  }
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
