/**
 * The sessions of a started sandbox, and the logs of their commands.
 */
import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandLog } from "./command-log.ts";
import { type Container, readReply } from "./container.ts";
import { HttpError } from "./errors.ts";
import type { Channel } from "./keeper/channel.ts";
import { type Frame, frameKind, parseJson, writeJson } from "./keeper/frames.ts";

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
