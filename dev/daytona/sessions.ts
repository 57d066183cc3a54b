/**
 * The sessions of a started sandbox, and the logs of their commands: each in a file, in the daemon's format, in which
 * three bytes before each line say whether it belongs to stdout (1) or stderr (2).
 */

import { createHash, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
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
  writeBody,
} from "./http.ts";
import type { Channel } from "./keeper/channel.ts";
import { type Frame, frameKind, parseJson, writeJson } from "./keeper/channel.ts";
import { requireCommands } from "./process-routes.ts";

interface Context {
  life: { sessions: Sessions };
  refusal: string | undefined;
}

/** The SDK copies its buffer once per line of a frame, so small frames keep it fast. */
const frameBytes = 8 * 1024;
const maxSessionIdCharacters = 256;

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
    if (command.echoesInput) await command.log.append("stdout", Buffer.from(line));
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
  const command = session.numbered[frame.payload.readUInt32BE(0) - 1];
  const stream = frame.kind === frameKind.stderr ? "stderr" : "stdout";
  await command?.log.append(stream, frame.payload.subarray(4));
}

export type StreamName = "stdout" | "stderr";

const marks = { stdout: 1, stderr: 2 };
const prefixBytes = 3;
const lineFeed = 0x0a;

/** More than anyone reads; `yes` prints as much in a second. */
export const maxLogBytes = 64 * 1024 * 1024;
/** Of output past the limit, the last bytes are kept and written when the command ends: how it ended matters most. */
const maxTailBytes = 256 * 1024;
/** Output is labelled in slices of this size, the usual size of a read from a pipe. */
const sliceBytes = 64 * 1024;
/**
 * Reserves room for the tail, for the slice that crosses the limit (prefixes turn one byte into four at worst), and for
 * the notice.
 */
const maxHeadBytes = maxLogBytes - 4 * (maxTailBytes + sliceBytes) - 1024;
/**
 * Past the limit, output is discarded with this pause after each read, about one megabyte a second. A flood then waits
 * in its pipe instead of using a whole core, and a program that prints now and then is never delayed.
 */
const discardPauseMs = 50;

interface Piece {
  stream: StreamName;
  data: Buffer;
}

export class CommandLog {
  size = 0;
  finished = false;
  readonly #path: string;
  readonly #events = new EventEmitter();
  #file: Promise<FileHandle> | undefined;
  #stream: StreamName | undefined;
  #atLineStart = true;
  readonly #tail: Piece[] = [];
  #tailBytes = 0;
  #omittedBytes = 0;
  #full = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#events.setMaxListeners(0);
  }

  /** Appends are serialized: a command's echoed input and its output come from different places. */
  append(stream: StreamName, data: Buffer): Promise<void> {
    const append = this.#queue.then(() => this.#append(stream, data));
    this.#queue = append.catch(() => undefined);
    return append;
  }

  async #append(stream: StreamName, data: Buffer): Promise<void> {
    if (this.finished) return;
    const wasFull = this.#full;
    let start = 0;
    for (; start < data.length && !this.#full; start += sliceBytes) {
      await this.#write(this.#label(stream, data.subarray(start, start + sliceBytes)));
      this.#full = this.size >= maxHeadBytes;
    }
    if (start < data.length) this.#keepTail({ stream, data: data.subarray(start) });
    if (wasFull) await pause(discardPauseMs);
  }

  #keepTail(piece: Piece): void {
    // Copied, because a piece is often a small part of a large buffer that it would keep in memory.
    const data = Buffer.from(piece.data.subarray(-maxTailBytes));
    this.#omittedBytes += piece.data.length - data.length;
    this.#tail.push({ stream: piece.stream, data });
    this.#tailBytes += data.length;
    for (let first = this.#tail[0]; first && this.#tailBytes > maxTailBytes; first = this.#tail[0]) {
      const cut = Math.min(first.data.length, this.#tailBytes - maxTailBytes);
      first.data = first.data.subarray(cut);
      this.#tailBytes -= cut;
      this.#omittedBytes += cut;
      if (first.data.length === 0) this.#tail.shift();
    }
  }

  async #writeTail(): Promise<void> {
    if (this.#omittedBytes > 0) {
      const notice = `\n[${this.#omittedBytes} bytes are not kept]\n`;
      await this.#write(this.#label("stderr", Buffer.from(notice)));
      this.#atLineStart = true;
    }
    for (const { stream, data } of this.#tail) await this.#write(this.#label(stream, data));
    this.#tail.length = 0;
  }

  /** Prefixes every line, and the rest of a line that output of the other stream has interrupted. */
  #label(stream: StreamName, data: Buffer): Buffer {
    const labelled = Buffer.allocUnsafe(data.length + prefixBytes * (countLines(data) + 1));
    let length = 0;
    for (let start = 0; start < data.length; ) {
      if (this.#atLineStart || this.#stream !== stream) {
        labelled.fill(marks[stream], length, length + prefixBytes);
        length += prefixBytes;
      }
      this.#stream = stream;
      const end = data.indexOf(lineFeed, start);
      const next = end === -1 ? data.length : end + 1;
      length += data.copy(labelled, length, start, next);
      this.#atLineStart = end !== -1;
      start = next;
    }
    return labelled.subarray(0, length);
  }

  async #write(data: Buffer): Promise<void> {
    this.#file ??= mkdir(dirname(this.#path), { recursive: true, mode: 0o700 }).then(() =>
      open(this.#path, "w+", 0o600),
    );
    const file = await this.#file;
    await file.write(data, 0, data.length, this.size);
    this.size += data.length;
    this.#events.emit("change");
  }

  finish(): Promise<void> {
    this.#queue = this.#queue.then(() => this.#finish()).catch(() => undefined);
    return this.#queue;
  }

  async #finish(): Promise<void> {
    if (this.finished) return;
    await this.#writeTail().catch(() => undefined);
    this.finished = true;
    this.#events.emit("change");
    // Readers reopen the file: thousands of finished commands must not hold a descriptor each.
    const file = await this.#file;
    this.#file = undefined;
    await file?.close();
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

function countLines(data: Buffer): number {
  let count = 0;
  for (let place = data.indexOf(lineFeed); place !== -1; place = data.indexOf(lineFeed, place + 1)) count += 1;
  return count;
}

/** Removes the prefixes as the SDK does: a prefix anywhere switches the stream. Pieces may end anywhere. */
export class Separator {
  #stream: StreamName | undefined;
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer, isLast = false): Piece[] {
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const pieces: Piece[] = [];
    const take = (start: number, end: number): void => {
      if (this.#stream && end > start) pieces.push({ stream: this.#stream, data: input.subarray(start, end) });
    };
    let start = 0;
    let index = 0;
    for (; index + 3 <= input.length; ) {
      const mark = input[index];
      const isPrefix = (mark === 1 || mark === 2) && input[index + 1] === mark && input[index + 2] === mark;
      if (!isPrefix) {
        index += 1;
        continue;
      }
      take(start, index);
      this.#stream = mark === 1 ? "stdout" : "stderr";
      index += 3;
      start = index;
    }
    // The last two bytes may be the beginning of a prefix.
    const end = isLast ? input.length : Math.max(start, index);
    take(start, end);
    this.#rest = Buffer.from(input.subarray(end));
    return pieces;
  }
}

const pieceBytes = 256 * 1024;

export async function sendLog(
  response: ServerResponse,
  log: CommandLog,
  facts: Record<string, string | number | undefined> = {},
): Promise<void> {
  // Output that arrives during the response belongs to the next request.
  const { size } = log;
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
  const known = Object.entries(facts).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value ?? null)},`,
  );
  await writeText(response, `{${known.join("")}"output":"`);
  await sendRaw(response, log, size);
  for (const stream of ["stdout", "stderr"] as const) {
    await writeText(response, `","${stream}":"`);
    await sendStream(response, log, size, stream);
  }
  if (!response.destroyed) response.end('"}');
}

async function sendRaw(response: ServerResponse, log: CommandLog, size: number): Promise<void> {
  const decoder = new StringDecoder("utf8");
  for await (const piece of readPieces(response, log, size)) await writeText(response, spellText(decoder.write(piece)));
  await writeText(response, spellText(decoder.end()));
}

async function sendStream(response: ServerResponse, log: CommandLog, size: number, wanted: StreamName): Promise<void> {
  const decoder = new StringDecoder("utf8");
  const separator = new Separator();
  const send = async (piece: Buffer, isLast: boolean): Promise<void> => {
    const parts = separator.push(piece, isLast).filter(({ stream }) => stream === wanted);
    await writeText(response, spellText(parts.map(({ data }) => decoder.write(data)).join("")));
  };
  for await (const piece of readPieces(response, log, size)) await send(piece, false);
  await send(Buffer.alloc(0), true);
  await writeText(response, spellText(decoder.end()));
}

async function* readPieces(response: ServerResponse, log: CommandLog, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size && !response.destroyed; ) {
    const piece = await log.read(position, Math.min(pieceBytes, size - position));
    if (piece.length === 0) throw new Error("the log is shorter than it was");
    position += piece.length;
    yield piece;
  }
}

/** Escapes text as the inside of a JSON string. */
function spellText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

async function writeText(response: ServerResponse, text: string): Promise<void> {
  if (text !== "") await writeBody(response, Buffer.from(text));
}
