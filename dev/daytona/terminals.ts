/**
 * The terminals of a started sandbox, which clients address by an id, and their WebSockets: output as binary frames,
 * input as frames of either kind, and control frames as JSON text.
 *
 * A terminal outlives its connections: it ends with its shell, when it is deleted, or with the sandbox. Output goes
 * only to the clients that are connected when it arrives: like the real daemon, this server stores none. The reason of
 * the close frame reports how the shell exited. Clients that offer a certain subprotocol get a control frame with it
 * first, since browsers and proxies may lose the reason.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { type Container, readReply } from "./container.ts";
import {
  decodeSegment,
  type Exchange,
  type Handler,
  HttpError,
  type Json,
  optionalFlag,
  optionalText,
  optionalTextMap,
  parameter,
  readJson,
  sendJson,
  toHttpError,
} from "./http.ts";
import type { Channel } from "./keeper/channel.ts";
import { frameKind, parseJson, writeFrame } from "./keeper/channel.ts";
import { checkVariables, requireCommands } from "./process-routes.ts";

/** One person's connection, which counts as activity. */
export interface Visitor {
  leave(): void;
}

interface Context {
  life: { container: Container; terminals: PtySessions; visitors: Set<Visitor> };
  refusal: string | undefined;
}

interface PtySettings {
  /** Empty means the sandbox's working directory. */
  cwd: string;
  variables: Record<string, string>;
  cols: number;
  rows: number;
}

/** Larger than any screen; the real daemon's limit. */
export const maxSide = 1000;

export class PtyProcess {
  readonly #container: Container;
  readonly #channel: Channel;
  readonly #id: string;

  private constructor(container: Container, channel: Channel, id: string) {
    this.#container = container;
    this.#channel = channel;
    this.#id = id;
  }

  /** Output is held back until `follow` is called. */
  static async start(container: Container, settings: PtySettings): Promise<PtyProcess> {
    const id = randomUUID();
    const channel = await container.open("pty", { ...settings, id });
    try {
      readReply(await channel.reader.next());
      return new PtyProcess(container, channel, id);
    } catch (error) {
      channel.socket.destroy();
      throw error;
    }
  }

  /** Passes the output on, chunk by chunk, and resolves with the exit code; undefined when there is none. */
  async follow(take: (output: Buffer) => Promise<void>): Promise<number | undefined> {
    try {
      for (let frame = await this.#channel.reader.next(); frame; frame = await this.#channel.reader.next()) {
        if (frame.kind === frameKind.stdout) await take(frame.payload);
        else if (frame.kind === frameKind.json) return Number(parseJson(frame).exitCode);
      }
    } catch {
      // An invalid frame: the sandbox has tampered with its keeper.
    } finally {
      this.kill();
    }
    return undefined;
  }

  /** Resolves when the terminal accepts more. */
  write(data: Buffer): Promise<void> {
    return writeFrame(this.#channel.socket, frameKind.data, data);
  }

  async resize(cols: number, rows: number): Promise<void> {
    await this.#container.ask("pty-resize", { id: this.#id, cols, rows });
  }

  /** Like a modem that lost its line: processes started with `nohup` continue. */
  hangUp(): void {
    void writeFrame(this.#channel.socket, frameKind.finish, Buffer.alloc(0));
  }

  /** Ends the shell and all that it started. */
  kill(): void {
    this.#channel.socket.destroy();
  }
}

/** Each is a shell and a connection to the keeper. */
const maxSessions = 64;
const maxClients = 64;
/**
 * While a client is behind, output is read at about a megabyte a second: a working client catches up, so only one that
 * has stopped is dropped.
 */
const behindPauseMs = 50;
const bytesPerPause = 64 * 1024;
/** The exit code of a killed process. */
const killedExitCode = 137;

interface NewPty extends PtySettings {
  id: string;
  lazyStart: boolean;
}

interface PtyClient {
  readonly isClosed: boolean;
  /** Whether a large part of what was sent to it is still unread. */
  readonly isBehind: boolean;
  greet(): void;
  send(output: Buffer): void;
  exit(exitCode: number): void;
  /** Called when the sandbox stops. */
  leave(): void;
}

export class PtySessions {
  readonly #container: Container;
  readonly #sessions = new Map<string, PtySession>();

  constructor(container: Container) {
    this.#container = container;
  }

  all(): PtySession[] {
    return [...this.#sessions.values()];
  }

  find(id: string): PtySession | undefined {
    return this.#sessions.get(id);
  }

  /** Reserves an id without starting the terminal. */
  add(settings: NewPty): PtySession {
    if (this.#sessions.has(settings.id)) {
      throw new HttpError(409, `PTY session with ID '${settings.id}' already exists`);
    }
    if (this.#sessions.size >= maxSessions) throw new HttpError(400, `more than ${maxSessions} PTY sessions`);
    const session = new PtySession(this.#container, settings, () => {
      if (this.#sessions.get(settings.id) === session) this.#sessions.delete(settings.id);
    });
    this.#sessions.set(settings.id, session);
    return session;
  }

  delete(id: string): boolean {
    const session = this.#sessions.get(id);
    session?.end((client) => client.exit(killedExitCode));
    return session !== undefined;
  }

  /** Called when the sandbox stops. */
  close(): void {
    for (const session of this.all()) session.end((client) => client.leave());
  }
}

class PtySession {
  readonly settings: NewPty;
  readonly createdAt = new Date().toISOString();
  readonly #container: Container;
  readonly #forget: () => void;
  readonly #clients = new Set<PtyClient>();
  #starting: Promise<void> | undefined;
  #process: PtyProcess | undefined;
  #hasEnded = false;
  #bytesSincePause = 0;

  constructor(container: Container, settings: NewPty, forget: () => void) {
    this.#container = container;
    this.settings = settings;
    this.#forget = forget;
  }

  get isActive(): boolean {
    return this.#process !== undefined && !this.#hasEnded;
  }

  /** A start that fails leaves no session behind. */
  start(first?: PtyClient): Promise<void> {
    this.#starting ??= this.#launch(first);
    return this.#starting;
  }

  async #launch(first: PtyClient | undefined): Promise<void> {
    try {
      this.#process = await PtyProcess.start(this.#container, this.settings);
    } catch (error) {
      this.end((client) => client.leave());
      throw error;
    }
    if (this.#hasEnded) {
      this.#process.kill();
      throw this.#terminated();
    }
    // Joined before anything is read, so that whoever starts a shell sees its first prompt.
    if (first) this.#join(first);
    void this.#process.follow((output) => this.#broadcast(output)).then((exitCode) => this.#finish(exitCode));
  }

  async attach(client: PtyClient): Promise<void> {
    if (this.#clients.size >= maxClients) throw new HttpError(400, `more than ${maxClients} connections`);
    const isFirst = this.#starting === undefined;
    await this.start(client);
    if (isFirst) return;
    if (this.#hasEnded) throw this.#terminated();
    this.#join(client);
  }

  detach(client: PtyClient): void {
    this.#clients.delete(client);
  }

  #join(client: PtyClient): void {
    if (client.isClosed) return;
    this.#clients.add(client);
    client.greet();
  }

  #terminated(): HttpError {
    return new HttpError(410, `PTY session '${this.settings.id}' has terminated and is no longer available`);
  }

  write(data: Buffer): Promise<void> {
    return this.#process?.write(data) ?? Promise.resolve();
  }

  async resize(cols: number, rows: number): Promise<void> {
    if (!this.#process) throw new HttpError(500, "cannot resize inactive PTY session");
    await this.#process.resize(cols, rows);
    Object.assign(this.settings, { cols, rows });
  }

  end(notify: (client: PtyClient) => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#forget();
    this.#process?.kill();
    for (const client of this.#clients) notify(client);
    this.#clients.clear();
  }

  #finish(exitCode: number | undefined): void {
    this.end((client) => (exitCode === undefined ? client.leave() : client.exit(exitCode)));
  }

  async #broadcast(output: Buffer): Promise<void> {
    for (const client of this.#clients) client.send(output);
    this.#bytesSincePause += output.length;
    if (this.#bytesSincePause < bytesPerPause) return;
    this.#bytesSincePause = 0;
    if ([...this.#clients].some((client) => client.isBehind)) await pause(behindPauseMs);
  }
}

const defaultCols = 80;
const defaultRows = 24;
const maxIdCharacters = 256;
const terminalType = "xterm-256color";

export const ptyRoutes: Record<string, Handler<Context>> = {
  "GET /process/pty": (exchange, { life }) =>
    sendJson(exchange.response, 200, { sessions: life.terminals.all().map((session) => describe(session, life)) }),
  "POST /process/pty": create,
  "GET /process/pty/{id}": (exchange, context) =>
    sendJson(exchange.response, 200, describe(requireSession(exchange, context), context.life)),
  "DELETE /process/pty/{id}": (exchange, { life }) => {
    if (!life.terminals.delete(parameter(exchange, "id"))) throw new HttpError(404, "PTY session not found");
    sendJson(exchange.response, 200, { message: "PTY session deleted" });
  },
  "POST /process/pty/{id}/resize": resize,
};

function readNewPty(body: Json): NewPty {
  const id = optionalText(body, "id") ?? "";
  if (id === "") throw new HttpError(400, "session ID is required");
  if (id.length > maxIdCharacters) throw new HttpError(400, "session ID is too long");
  const variables = checkVariables(optionalTextMap(body, "envs"));
  return {
    id,
    cwd: optionalText(body, "cwd") ?? "",
    variables: { ...variables, TERM: variables.TERM || terminalType },
    cols: readSide(body, "cols") ?? defaultCols,
    rows: readSide(body, "rows") ?? defaultRows,
    lazyStart: optionalFlag(body, "lazyStart"),
  };
}

function readSide(body: Json, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value) || Number(value) < 1) throw new HttpError(400, `invalid value for ${name}`);
  if (Number(value) > maxSide) throw new HttpError(400, `invalid value for ${name} - must be less than ${maxSide}`);
  return Number(value);
}

function describe({ settings, isActive, createdAt }: PtySession, life: Context["life"]): Json {
  const { id, cwd, variables, cols, rows, lazyStart } = settings;
  return {
    id,
    cwd: cwd || life.container.workDir,
    envs: variables,
    cols,
    rows,
    createdAt,
    active: isActive,
    lazyStart,
  };
}

function requireSession(exchange: Exchange, { life }: Context): PtySession {
  const session = life.terminals.find(parameter(exchange, "id"));
  if (!session) throw new HttpError(404, "PTY session not found");
  return session;
}

async function create(exchange: Exchange, context: Context): Promise<void> {
  const settings = readNewPty(await readJson(exchange.request));
  requireCommands(context);
  const session = context.life.terminals.add(settings);
  if (!settings.lazyStart) {
    await session.start().catch((error: unknown) => {
      const reason = error instanceof HttpError ? `: ${error.message}` : "";
      throw new HttpError(500, `failed to start PTY session${reason}`);
    });
  }
  sendJson(exchange.response, 201, { sessionId: settings.id });
}

async function resize(exchange: Exchange, context: Context): Promise<void> {
  const body = await readJson(exchange.request);
  const [cols, rows] = [readSide(body, "cols"), readSide(body, "rows")];
  if (cols === undefined || rows === undefined) throw new HttpError(400, "cols and rows are required");
  const id = parameter(exchange, "id");
  const session = context.life.terminals.find(id);
  if (!session) throw new HttpError(410, `PTY session ${id} not found`);
  await session.resize(cols, rows);
  sendJson(exchange.response, 200, describe(session, context.life));
}

const connectPath = /^\/process\/pty\/([^/]+)\/connect$/;
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
  handleProtocols: (offered) => offered.values().next().value ?? false,
});

type Find = () => PtySession;

/** Returns whether the path is a terminal's. */
export function upgradePty(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { inner, toolbox }: { inner: string; toolbox: Context },
): boolean {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  const find = chooseSession(inner, toolbox);
  if (!find) return false;
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    serveTerminal(webSocket, find, offered.includes(exitProtocol), toolbox).catch(() => webSocket.terminate());
  });
  return true;
}

function chooseSession(inner: string, { life }: Context): Find | undefined {
  const [, segment] = connectPath.exec(inner) ?? [];
  if (segment === undefined) return undefined;
  return () => {
    const id = decodeSegment(segment);
    const session = life.terminals.find(id);
    if (!session) throw new HttpError(404, `PTY session ${id} not found`);
    return session;
  };
}

async function serveTerminal(socket: WebSocket, find: Find, reportsExit: boolean, toolbox: Context): Promise<void> {
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
