/**
 * The sessions of a started sandbox, and the logs of their commands: each in a file, in the daemon's format, in which
 * three bytes before each line say whether it belongs to stdout (1) or stderr (2).
 */

import { createHash, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { WebSocket } from "ws";
import { type Container, readReply } from "./container.ts";
import {
  type Exchange,
  type Handler,
  HttpError,
  optionalFlag,
  optionalText,
  parameter,
  readJson,
  requireText,
  sendEmpty,
  sendJson,
} from "./http.ts";
import { type Channel, type Frame, frameKind, parseJson, writeJson } from "./keeper/channel.ts";
import { requireCommands } from "./process-routes.ts";

interface Context {
  life: { sessions: Sessions };
  refusal: string | undefined;
}

/** The SDK copies its buffer once per line of a frame, so small frames keep it fast. */
const frameBytes = 8 * 1024;
const maxSessionIdCharacters = 256;
const pieceBytes = 64 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the format of the log
const marks = /(\x01{3}|\x02{3})/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the format of the log
const partialMark = /(?:\x01{1,2}|\x02{1,2})$/;

export const sessionRoutes: Record<string, Handler<Context>> = {
  "GET /process/session": (exchange, { life }) =>
    sendJson(exchange.response, 200, life.sessions.all().map(describeSession)),
  "POST /process/session": createSession,
  "GET /process/session/{session}": (exchange, context) =>
    sendJson(exchange.response, 200, describeSession(findSession(exchange, context))),
  "DELETE /process/session/{session}": async (exchange, { life }) => {
    await life.sessions.delete(parameter(exchange, "session"));
    sendEmpty(exchange.response, 204);
  },
  "POST /process/session/{session}/exec": executeInSession,
  "GET /process/session/{session}/command/{command}": (exchange, context) =>
    sendJson(exchange.response, 200, describeCommand(findCommand(exchange, context))),
  "GET /process/session/{session}/command/{command}/logs": (exchange, context) =>
    sendLog(exchange.response, findCommand(exchange, context).log),
  "POST /process/session/{session}/command/{command}/input": async (exchange, context) => {
    const { data } = await readJson(exchange.request);
    if (typeof data !== "string") throw new HttpError(400, "data must be a string");
    await context.life.sessions.sendInput(findSession(exchange, context), findCommand(exchange, context), data);
    sendEmpty(exchange.response, 204);
  },
};

function findSession(exchange: Exchange, context: Context): Session {
  return context.life.sessions.require(parameter(exchange, "session"));
}

function findCommand(exchange: Exchange, context: Context): Command {
  return requireCommand(findSession(exchange, context), parameter(exchange, "command"));
}

function describeSession(session: Session): Record<string, unknown> {
  return { sessionId: session.id, commands: session.numbered.map(describeCommand) };
}

/** Has no exit code while the command runs. */
function describeCommand(command: Command): Record<string, unknown> {
  command.isKnownEnded = command.exitCode !== undefined;
  return { id: command.id, command: command.text, exitCode: command.exitCode };
}

async function createSession(exchange: Exchange, context: Context): Promise<void> {
  const id = requireText(await readJson(exchange.request), "sessionId");
  requireCommands(context);
  if (id.length > maxSessionIdCharacters) throw new HttpError(400, "sessionId is too long");
  await context.life.sessions.create(id);
  sendEmpty(exchange.response, 201);
}

async function executeInSession(exchange: Exchange, context: Context): Promise<void> {
  const body = await readJson(exchange.request);
  requireCommands(context);
  const text = optionalText(body, "command") ?? "";
  if (text.trim() === "") throw new HttpError(400, "command cannot be empty");
  // The daemon wraps this failure, and so loses its status.
  const session = context.life.sessions.find(parameter(exchange, "session"));
  if (!session) throw new HttpError(500, "failed to execute command: session not found");
  const runsAsync = optionalFlag(body, "runAsync") || optionalFlag(body, "async");
  const command = await runCommand(session, text, {
    takesInput: runsAsync,
    echoesInput: runsAsync && !optionalFlag(body, "suppressInputEcho"),
  });
  if (runsAsync) {
    sendJson(exchange.response, 202, { cmdId: command.id, exitCode: null, output: null, stdout: null, stderr: null });
    return;
  }
  // Waits without a limit, as the real daemon does: a command that ends its own shell (`exit`) keeps its caller
  // waiting.
  await command.finished;
  command.isKnownEnded = true;
  await sendLog(exchange.response, command.log, { cmdId: command.id, exitCode: command.exitCode });
}

/**
 * Sends the log from its beginning, then as it grows, at the reader's own pace. The close frame reports that the
 * command has ended.
 */
export async function followLog(socket: WebSocket, log: CommandLog): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  socket.on("error", () => gone.abort());
  for (let position = 0; !gone.signal.aborted; ) {
    // Read before the data: output that arrives meanwhile wakes the wait that follows.
    const { finished, size } = log;
    if (position < size) {
      const piece = await log.read(position, frameBytes);
      if (piece.length === 0) break;
      position += piece.length;
      await sendPiece(socket, piece);
    } else if (finished) {
      break;
    } else {
      await log.changed(gone.signal);
    }
  }
  socket.close(1000);
}

function sendPiece(socket: WebSocket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.send(piece, { binary: true }, () => resolve());
  });
}

const maxSessions = 256;
/** Each command has a log file; this many are plenty for one shell. */
const maxCommands = 10_000;

export interface Command {
  id: string;
  number: number;
  text: string;
  /** Undefined while it runs, and for ever if it ended its own shell. */
  exitCode: number | undefined;
  /** Somebody has read the exit code: only then does the daemon know it. */
  isKnownEnded: boolean;
  takesInput: boolean;
  echoesInput: boolean;
  log: CommandLog;
  /** Resolves when there is an exit code. Rejects when the session is deleted first. */
  finished: Promise<void>;
  settle(error?: HttpError): void;
}

export interface Session {
  id: string;
  folder: string;
  channel: Channel;
  commands: Map<string, Command>;
  /** The same commands by their number, counted from 1. */
  numbered: Command[];
  /** The shell has ended, by `exit` or by a signal. */
  closed: boolean;
}

export class Sessions {
  readonly #container: Container;
  readonly #folder: string;
  readonly #sessions = new Map<string, Session | undefined>();

  constructor(container: Container, folder: string) {
    this.#container = container;
    this.#folder = folder;
  }

  all(): Session[] {
    return [...this.#sessions.values()].filter((session) => session !== undefined);
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  require(id: string): Session {
    const session = this.find(id);
    if (!session) throw new HttpError(404, "session not found");
    return session;
  }

  async create(id: string): Promise<void> {
    refuseReserved(id);
    if (this.#sessions.has(id)) throw new HttpError(409, "session already exists");
    if (this.#sessions.size >= maxSessions) throw new HttpError(400, `more than ${maxSessions} sessions`);
    // Reserved at once: two simultaneous requests for one id make one session.
    this.#sessions.set(id, undefined);
    try {
      const channel = await this.#container.open("session", { session: id });
      readReply(await channel.reader.next());
      // An id may contain characters that a file name can't.
      const folder = join(this.#folder, createHash("sha256").update(id).digest("hex"));
      await rm(folder, { recursive: true, force: true });
      const session: Session = { id, folder, channel, commands: new Map(), numbered: [], closed: false };
      this.#sessions.set(id, session);
      void follow(session);
    } catch (error) {
      this.#sessions.delete(id);
      throw error;
    }
  }

  async delete(id: string): Promise<void> {
    refuseReserved(id);
    const session = this.require(id);
    this.#sessions.delete(id);
    endSession(session);
    await this.#container.ask("session-remove", { session: id }).catch(() => undefined);
    await rm(session.folder, { recursive: true, force: true });
  }

  /**
   * The daemon opens the command's pipe by its name. Before the shell has made it and after its end that fails, unless
   * somebody has read the exit code.
   */
  async sendInput(session: Session, command: Command, data: string): Promise<void> {
    if (command.isKnownEnded)
      throw new HttpError(410, `command has already completed with exit code ${command.exitCode}`);
    // Adds a line end as the real daemon does: without it a `read` would keep waiting.
    const line = data.endsWith("\n") ? data : `${data}\n`;
    const request = { session: session.id, command: command.id, data: line, echo: command.echoesInput };
    await this.#container.ask("session-input", request);
  }

  /** Called when the sandbox stops: rejects for everyone who waits for a command. */
  close(): void {
    for (const session of this.all()) endSession(session);
    this.#sessions.clear();
  }
}

function endSession(session: Session): void {
  session.closed = true;
  session.channel.socket.destroy();
  for (const command of session.commands.values()) {
    void command.log.finish();
    command.settle(new HttpError(500, "failed to execute command: session cancelled"));
  }
}

export async function runCommand(
  session: Session,
  text: string,
  options: { takesInput: boolean; echoesInput: boolean },
): Promise<Command> {
  if (session.closed)
    throw new HttpError(500, "failed to execute command: failed to write command: write |1: broken pipe");
  if (session.commands.size >= maxCommands) throw new HttpError(400, `more than ${maxCommands} commands in a session`);
  const id = randomUUID();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const command: Command = {
    ...options,
    id,
    number: session.numbered.length + 1,
    text,
    exitCode: undefined,
    isKnownEnded: false,
    log: new CommandLog(join(session.folder, `${id}.log`)),
    finished: promise,
    settle: (error) => (error ? reject(error) : resolve()),
  };
  session.commands.set(id, command);
  session.numbered.push(command);
  await writeJson(session.channel.socket, {
    id,
    number: command.number,
    command: text,
    input: command.takesInput,
  });
  return command;
}

export function requireCommand(session: Session, id: string): Command {
  const command = session.commands.get(id);
  if (!command) throw new HttpError(404, "command not found");
  return command;
}

/** The real daemon reserves this id for its image's start command, which doesn't exist here. */
function refuseReserved(id: string): void {
  if (id === "entrypoint") throw new HttpError(400, "the session's id is reserved");
}

/** Reads the shell's output frame by frame: the next frame is read once the log is written. */
async function follow(session: Session): Promise<void> {
  try {
    for (let frame = await session.channel.reader.next(); frame; frame = await session.channel.reader.next()) {
      await takeFrame(session, frame);
    }
  } catch {
    // An invalid frame, since the sandbox has tampered with its keeper, or a log that can't be written.
  }
  endSession(session);
}

async function takeFrame(session: Session, frame: Frame): Promise<void> {
  if (frame.kind === frameKind.json) {
    const report = parseJson(frame);
    if (report.closed === true) session.closed = true;
    const command = session.numbered[Number(report.number) - 1];
    if (!command || command.exitCode !== undefined) return;
    command.exitCode = Number(report.exitCode);
    await command.log.finish();
    command.settle();
    return;
  }
  await session.numbered[frame.payload.readUInt32BE(0) - 1]?.log.append(frame.payload.subarray(4));
}

/** More than anyone reads; `yes` prints as much in a second. */
const maxLogBytes = 64 * 1024 * 1024;
const cutNotice = "\u0002\u0002\u0002[what is printed beyond 64 MiB is not kept]\n";
/**
 * Past the limit, output is discarded with this pause after each read. A flood then waits in its pipe instead of using
 * a whole core, and a program that prints now and then is never delayed.
 */
const discardPauseMs = 50;

/** The lines of one command as the keeper marks them, in a file that nothing in the sandbox can reach. */
export class CommandLog {
  size = 0;
  finished = false;
  readonly #path: string;
  readonly #events = new EventEmitter();
  #file: Promise<FileHandle> | undefined;
  #isFull = false;

  constructor(path: string) {
    this.#path = path;
    this.#events.setMaxListeners(0);
  }

  /** One at a time. */
  async append(lines: Buffer): Promise<void> {
    if (this.finished) return;
    if (this.#isFull) return pause(discardPauseMs);
    this.#isFull = this.size + lines.length > maxLogBytes;
    const data = this.#isFull ? Buffer.from(cutNotice) : lines;
    this.#file ??= mkdir(dirname(this.#path), { recursive: true, mode: 0o700 }).then(() =>
      open(this.#path, "w+", 0o600),
    );
    await (await this.#file).write(data, 0, data.length, this.size);
    this.size += data.length;
    this.#events.emit("change");
  }

  async finish(): Promise<void> {
    if (this.finished) return;
    this.finished = true;
    this.#events.emit("change");
    // Readers reopen the file: thousands of finished commands must not hold a descriptor each.
    await (await this.#file?.catch(() => undefined))?.close();
  }

  /** Reads up to `limit` bytes from `position`. */
  async read(position: number, limit: number): Promise<Buffer> {
    const length = Math.min(limit, this.size - position);
    if (length <= 0) return Buffer.alloc(0);
    const file = await open(this.#path, "r");
    try {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Resolves at the next change, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#events.off("change", settle);
        signal.removeEventListener("abort", settle);
        resolve();
      };
      this.#events.once("change", settle);
      signal.addEventListener("abort", settle, { once: true });
    });
  }
}

/** A log as JSON in pieces: the raw one, and both streams separately. Most readers leave before the end of a long one. */
async function sendLog(response: ServerResponse, log: CommandLog, facts: Record<string, unknown> = {}): Promise<void> {
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
  await pipeline(Readable.from(renderLog(log, facts)), response).catch(() => response.destroy());
}

async function* renderLog(log: CommandLog, facts: Record<string, unknown>): AsyncGenerator<string> {
  yield `${JSON.stringify({ ...facts, output: "" }).slice(0, -2)}`;
  yield* escaped(readText(log));
  yield '","stdout":"';
  yield* escaped(readStream(readText(log), 1));
  yield '","stderr":"';
  yield* escaped(readStream(readText(log), 2));
  yield '"}';
}

async function* escaped(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces) yield JSON.stringify(piece).slice(1, -1);
}

/** Never splits a character. */
async function* readText(log: CommandLog): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const { size } = log;
  for (let position = 0; position < size; ) {
    const piece = await log.read(position, Math.min(pieceBytes, size - position));
    if (piece.length === 0) break;
    position += piece.length;
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder.decode();
}

/** As the SDK reads it: a mark anywhere switches the stream. What precedes the first belongs to none. */
export async function* readStream(pieces: AsyncIterable<string>, wanted: 1 | 2): AsyncGenerator<string> {
  let stream = 0;
  let rest = "";
  for await (const piece of pieces) {
    let kept = "";
    const parts = (rest + piece).split(marks);
    // The next piece may complete a mark.
    rest = partialMark.exec(parts.at(-1) ?? "")?.[0] ?? "";
    parts.push((parts.pop() ?? "").slice(0, -rest.length || undefined));
    for (const part of parts) {
      if (part === "\u0001\u0001\u0001") stream = 1;
      else if (part === "\u0002\u0002\u0002") stream = 2;
      else if (stream === wanted) kept += part;
    }
    yield kept;
  }
  if (stream === wanted) yield rest;
}
