/**
 * A terminal over a WebSocket: output as binary frames, input as frames of either kind, and control frames as JSON
 * text.
 *
 * The reason of the close frame reports how the shell exited. Clients that offer a certain subprotocol get a control
 * frame with it first, since browsers and proxies may lose the reason. Failures after the handshake are sent as control
 * frames too.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { ToolboxContext } from "./context.ts";
import { HttpError, toHttpError } from "./errors.ts";
import { requireCommands } from "./process-routes.ts";
import { readNewPty } from "./pty-routes.ts";
import type { PtyClient, PtySession } from "./pty-sessions.ts";
import { decodeSegment } from "./routes.ts";

const connectPath = /^\/process\/pty\/([^/]+)\/connect$/;
const environmentProtocol = "X-Daytona-Pty-Envs~";
const exitProtocol = "X-Daytona-Pty-Exit-Control";
/** The real daemon's limit of one message. */
const maxInputBytes = 64 * 1024;
/** The daemon's queue for a client, in pieces of output: one more, and it is dropped. */
const maxUnreadPieces = 256;
const closeCodes = { clean: 1000, policy: 1008, failure: 1011 };

const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: maxInputBytes,
  // One of the offered subprotocols must be returned, preferably not the one that carries variables, which may be
  // secrets.
  handleProtocols: (offered) =>
    [...offered].find((name) => !name.startsWith(environmentProtocol)) ?? offered.values().next().value ?? false,
});

type Find = () => PtySession;

/** Returns whether the path is a terminal's. */
export function upgradePty(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { inner, url, toolbox }: { inner: string; url: URL; toolbox: ToolboxContext },
): boolean {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  const find = chooseSession(inner, url, offered, toolbox);
  if (!find) return false;
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    serveTerminal(webSocket, find, offered.includes(exitProtocol), toolbox).catch(() => webSocket.terminate());
  });
  return true;
}

function chooseSession(inner: string, url: URL, offered: string[], { life }: ToolboxContext): Find | undefined {
  if (inner === "/process/pty/create-connect") {
    return () => {
      const number = (name: string): number | undefined => {
        const text = url.searchParams.get(name);
        return text === null ? undefined : Number(text);
      };
      const body = { id: url.searchParams.get("id"), cols: number("cols"), rows: number("rows") };
      const cwd = url.searchParams.get("cwd") ?? "";
      return life.terminals.add({ ...readNewPty({ ...body, cwd }), variables: readEnvironment(offered) });
    };
  }
  const [, segment] = connectPath.exec(inner) ?? [];
  if (segment === undefined) return undefined;
  return () => {
    const id = decodeSegment(segment);
    const session = life.terminals.find(id);
    if (!session) throw new HttpError(404, `PTY session ${id} not found`);
    return session;
  };
}

function readEnvironment(offered: string[]): Record<string, string> {
  const text = offered.find((name) => name.startsWith(environmentProtocol))?.slice(environmentProtocol.length);
  let value: unknown = {};
  try {
    if (text !== undefined) value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    throw new HttpError(400, "envs are not valid JSON in base64url");
  }
  return readNewPty({ id: "envs", envs: value }).variables;
}

async function serveTerminal(
  socket: WebSocket,
  find: Find,
  reportsExit: boolean,
  toolbox: ToolboxContext,
): Promise<void> {
  const { life } = toolbox;
  const client = new SocketClient(socket, reportsExit);
  socket.on("error", () => socket.terminate());
  // Input that arrives before the shell has started waits until then.
  socket.pause();
  const session = await attach(client, () => {
    requireCommands(toolbox);
    return find();
  });
  if (!session) return;
  life.visitors.add(client);
  socket.once("close", () => {
    session.detach(client);
    life.visitors.delete(client);
  });
  socket.on("message", (data) => {
    // Resumes when the terminal has taken it: a program that reads nothing must not fill memory here.
    socket.pause();
    void session.write(toBuffer(data)).then(() => socket.resume());
  });
  socket.resume();
}

async function attach(client: SocketClient, find: Find): Promise<PtySession | undefined> {
  try {
    const session = find();
    await session.attach(client);
    return session;
  } catch (error) {
    client.refuse(toHttpError(error).message);
    return undefined;
  }
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

class SocketClient implements PtyClient {
  readonly #socket: WebSocket;
  readonly #reportsExit: boolean;
  #unread = 0;

  constructor(socket: WebSocket, reportsExit: boolean) {
    this.#socket = socket;
    this.#reportsExit = reportsExit;
  }

  get isClosed(): boolean {
    return this.#socket.readyState !== WebSocket.OPEN;
  }

  get isBehind(): boolean {
    return !this.isClosed && this.#unread > maxUnreadPieces / 8;
  }

  greet(): void {
    this.#control({ status: "connected" });
  }

  send(output: Buffer): void {
    if (this.isClosed) return;
    if (this.#unread >= maxUnreadPieces) {
      this.#close(closeCodes.policy, "slow consumer");
      return;
    }
    this.#unread += 1;
    this.#socket.send(output, { binary: true }, () => {
      this.#unread -= 1;
    });
  }

  exit(exitCode: number): void {
    const exit = { exitCode, exitReason: describeExit(exitCode) };
    if (this.#reportsExit) this.#control({ status: "exited", ...exit });
    this.#close(exitCode === 0 ? closeCodes.clean : closeCodes.failure, JSON.stringify(exit));
  }

  refuse(message: string): void {
    this.#control({ status: "error", error: `Failed to connect to PTY session: ${message}` });
    this.#close(closeCodes.failure, "");
  }

  leave(): void {
    this.#socket.terminate();
  }

  /** A paused socket would never see that its peer has closed too. */
  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#socket.resume();
  }

  #control(message: Record<string, unknown>): void {
    if (!this.isClosed) this.#socket.send(JSON.stringify({ type: "control", ...message }), () => {});
  }
}

const exitReasons: Record<number, string | undefined> = { 0: undefined, 130: "Ctrl+C", 137: "SIGKILL", 143: "SIGTERM" };

function describeExit(exitCode: number): string | undefined {
  if (exitCode in exitReasons) return exitReasons[exitCode];
  return exitCode > 128 ? `signal ${exitCode - 128}` : "non-zero exit";
}
