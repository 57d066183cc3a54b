/**
 * A session: one long-lived shell that runs commands one after another, so that `cd` and `export` last.
 *
 * The shell reads two lines per command from its stdin. They make the command's named pipes when its turn comes, as in
 * the real daemon: before that, nothing takes its input. Then they evaluate its text in the shell itself, with stdin,
 * stdout and stderr on these pipes, and report the exit status on a descriptor of its own. Named pipes keep the streams
 * of two commands apart even when a background child of the first outlives it, and the end of a pipe is the true end of
 * the output. `exit` ends the shell and with it the session, as in the real daemon: that command never gets an exit
 * code.
 */
import type { ChildProcess } from "node:child_process";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import {
  answer,
  type Channel,
  frameKind,
  KeeperError,
  parseJson,
  pieceBytes,
  type Request,
  readText,
  writeFrame,
  writeJson,
} from "./channel.ts";
import { killGroup, openInput, openOutput, spawnShell } from "./commands.ts";
import { findShell, type KeeperSettings } from "./settings.ts";

/** Time to clean up between SIGTERM and SIGKILL; the same as in the real daemon. */
const graceMs = 5_000;

interface Command {
  id: string;
  files: CommandFiles;
  takesInput: boolean;
  /** Null until the command's turn has come. */
  input: Socket | null;
  outputs: Promise<unknown>;
}

interface Session {
  channel: Channel;
  shell: ChildProcess;
  folder: string;
  commands: Map<number, Command>;
}

const sessions = new Map<string, Session>();

export async function serveSession(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const id = readText(request, "session");
  const folder = sessionFolder(settings, id);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const shell = spawnShell(settings, [], { cwd: settings.workDir, extraPipes: 1 });
  const session: Session = { channel, shell, folder, commands: new Map() };
  sessions.set(id, session);
  shell.stdout?.resume();
  shell.stderr?.resume();
  shell.stdin?.write(`exec ${reportDescriptor()}>&3 3>&-\n`);
  followReports(session);
  shell.once("error", () => channel.socket.destroy());
  shell.once("exit", () => void writeJson(channel.socket, { closed: true }));
  await answer(channel, {});
  try {
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind === frameKind.json) await startCommand(session, parseJson(frame));
    }
  } finally {
    if (sessions.get(id) === session) sessions.delete(id);
    endShell(shell);
    for (const command of session.commands.values()) command.input?.destroy();
  }
}

/** A descriptor beyond those that people use (bash supports several digits, other shells only one). */
function reportDescriptor(): number {
  return findShell().endsWith("bash") ? 250 : 9;
}

async function startCommand(session: Session, order: Request): Promise<void> {
  const number = Number(order.number);
  const id = readText(order, "id");
  const files = new CommandFiles(`${session.folder}/${id}`);
  await files.make(readText(order, "command"));
  const command = { id, files, takesInput: order.input === true, input: null, outputs: Promise.resolve() };
  session.commands.set(number, command);
  const descriptor = reportDescriptor();
  const [text, input, stdout, stderr] = [files.text, files.input, files.stdout, files.stderr].map(quote);
  session.shell.stdin?.write(
    // `command -p` works whatever PATH is by now: if the text could not be read, the command would succeed without
    // doing anything.
    `command -p mkfifo ${input} ${stdout} ${stderr}; command printf 'ready %s\\n' ${number} >&${descriptor}; ` +
      `eval "$(command -p cat ${text})" <${command.takesInput ? input : "/dev/null"} >${stdout} 2>${stderr} ${descriptor}>&-\n` +
      `command printf '%s %s\\n' ${number} "$?" >&${descriptor}\n`,
  );
}

function quote(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** The pipes are there: the shell waits at each until its other end is open. */
async function openPipes(session: Session, number: number): Promise<void> {
  const command = session.commands.get(number);
  if (!command) return;
  const { files } = command;
  const forward = async (path: string, stream: "stdout" | "stderr"): Promise<void> =>
    forwardPipe(session, await openOutput(path), { stream, number });
  command.outputs = Promise.all([forward(files.stdout, "stdout"), forward(files.stderr, "stderr")]);
  command.outputs.catch(() => session.channel.socket.destroy());
  if (command.takesInput) command.input = await openInput(files.input);
}

async function forwardPipe(
  session: Session,
  pipe: Readable,
  { stream, number }: { stream: "stdout" | "stderr"; number: number },
): Promise<void> {
  const lines = new WholeLines();
  try {
    for await (const chunk of pipe) await log(session, number, markLines(stream, lines.push(chunk as Buffer)));
    await log(session, number, markLines(stream, lines.end()));
  } catch {
    // The pipe was destroyed with its session.
  }
}

/** Into the sandbox's own file, and to the server. */
async function log({ channel, commands }: Session, number: number, marked: Buffer): Promise<void> {
  await commands.get(number)?.files.append(marked);
  const label = Buffer.alloc(4);
  label.writeUInt32BE(number);
  for (let start = 0; start < marked.length; start += pieceBytes) {
    const piece = marked.subarray(start, start + pieceBytes);
    await writeFrame(channel.socket, frameKind.data, Buffer.concat([label, piece]));
  }
}

/** The daemon opens the pipe by its name for each input, so there is none before the command's turn and after its end. */
export async function sendInput(request: Request, settings: KeeperSettings): Promise<null> {
  const id = readText(request, "session");
  const name = readText(request, "command");
  const session = sessions.get(id);
  const [number, command] = [...(session?.commands ?? [])].find(([, each]) => each.id === name) ?? [];
  if (!session || number === undefined || !command?.input) {
    const path = `${sessionFolder(settings, id)}/${name}/input.pipe`;
    const message = `failed to open input pipe: open ${path}: no such file or directory`;
    throw new KeeperError(500, "INTERNAL_SERVER_ERROR", message);
  }
  const data = Buffer.from(readText(request, "data"));
  command.input.write(data);
  if (request.echo === true) await log(session, number, markLines("stdout", data));
  return null;
}

function followReports(session: Session): void {
  const reports = session.shell.stdio[3] as Readable;
  let rest = "";
  reports.setEncoding("utf8");
  reports.on("error", () => {});
  reports.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, ready] = /^ready (\d+)$/.exec(line) ?? [];
      const [number, exitCode] = line.split(" ").map(Number);
      if (ready !== undefined) openPipes(session, Number(ready)).catch(() => session.channel.socket.destroy());
      else if (number !== undefined && exitCode !== undefined) void finishCommand(session, number, exitCode);
    }
  });
}

async function finishCommand(session: Session, number: number, exitCode: number): Promise<void> {
  const command = session.commands.get(number);
  if (!command) return;
  command.input?.destroy();
  command.input = null;
  await command.outputs;
  session.commands.delete(number);
  await command.files.finish(exitCode);
  await writeJson(session.channel.socket, { number, exitCode });
}

function endShell(shell: ChildProcess): void {
  const { pid } = shell;
  if (pid === undefined) return;
  killGroup(pid, "SIGTERM");
  setTimeout(() => killGroup(pid, "SIGKILL"), graceMs).unref();
}

const markBytes = 3;
const marks = { stdout: 1, stderr: 2 };
/** The log that clients read is the server's, which is bounded too. This one fills the sandbox's disk. */
const maxLogBytes = 16 * 1024 * 1024;

function sessionFolder(settings: KeeperSettings, session: string): string {
  const isName = /^[^/\0]{1,200}$/.test(session) && session !== "." && session !== "..";
  return `${settings.home}/.daytona/sessions/${isName ? session : encodeURIComponent(session).replaceAll(".", "%2E").slice(0, 200)}`;
}

export function removeSession(settings: KeeperSettings, session: string): Promise<void> {
  return rm(sessionFolder(settings, session), { recursive: true, force: true });
}

class CommandFiles {
  readonly folder: string;
  #bytes = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  get text(): string {
    return `${this.folder}/cmd.sh`;
  }

  get input(): string {
    return `${this.folder}/input.pipe`;
  }

  get stdout(): string {
    return `${this.folder}/stdout.pipe`;
  }

  get stderr(): string {
    return `${this.folder}/stderr.pipe`;
  }

  async make(text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o755 });
    await writeFile(`${this.folder}/output.log`, "");
    await writeFile(this.text, text, { mode: 0o600 });
  }

  /** A command may have removed the folder: its log then has none of it. */
  append(marked: Buffer): Promise<void> {
    if (marked.length === 0 || this.#bytes > maxLogBytes) return this.#queue;
    this.#bytes += marked.length;
    this.#queue = this.#queue.then(() => appendFile(`${this.folder}/output.log`, marked)).catch(() => undefined);
    return this.#queue;
  }

  async finish(exitCode: number): Promise<void> {
    await this.#queue;
    await writeFile(`${this.folder}/exit_code`, `${exitCode}\n`).catch(() => undefined);
    for (const pipe of [this.input, this.stdout, this.stderr]) await rm(pipe, { force: true });
  }
}

function markLines(stream: "stdout" | "stderr", lines: Buffer): Buffer {
  const mark = Buffer.alloc(markBytes, marks[stream]);
  const pieces: Buffer[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf("\n", start);
    const next = end === -1 ? lines.length : end + 1;
    pieces.push(mark, lines.subarray(start, next));
    start = next;
  }
  return Buffer.concat(pieces);
}

const lineFeed = 0x0a;
/** The daemon's shell holds a line of any length. */
const maxHeldBytes = 16 * 1024 * 1024;

class WholeLines {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** The lines that are complete now. */
  push(chunk: Buffer): Buffer {
    const bytes = withoutNul(chunk);
    const end = bytes.lastIndexOf(lineFeed) + 1;
    if (end === 0 && this.#heldBytes + bytes.length <= maxHeldBytes) {
      this.#hold(bytes);
      return Buffer.alloc(0);
    }
    const whole = Buffer.concat([...this.#held, end === 0 ? bytes : bytes.subarray(0, end)]);
    this.#held = [];
    this.#heldBytes = 0;
    if (end > 0) this.#hold(bytes.subarray(end));
    return whole;
  }

  end(): Buffer {
    return this.#heldBytes === 0 ? Buffer.alloc(0) : Buffer.concat([...this.#held.splice(0), Buffer.from("\n")]);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    // Copied: a few bytes would keep a large buffer.
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
  }
}

function withoutNul(bytes: Buffer): Buffer {
  return bytes.includes(0) ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes;
}
