/**
 * A session: one long-lived shell that runs commands one after another, so that `cd` and `export` last.
 *
 * The shell reads one line per command from its stdin. The line evaluates the command's text in the shell itself, with
 * stdin, stdout and stderr on named pipes of that command, and then reports the exit status on a descriptor of its own.
 * Named pipes keep the streams of two commands apart even when a background child of the first outlives it, and the end
 * of a pipe is the true end of the output. `exit` ends the shell and with it the session, as in the real daemon: that
 * command never gets an exit code.
 */
import type { ChildProcess } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { answer, type Channel, type Request, readText } from "./channel.ts";
import { killGroup, spawnShell } from "./commands.ts";
import { frameKind, parseJson, writeFrame, writeJson } from "./frames.ts";
import { makePipes, openInput, openOutput } from "./pipes.ts";
import { findShell, type KeeperSettings } from "./settings.ts";

/** Time to clean up between SIGTERM and SIGKILL; the same as in the real daemon. */
const graceMs = 5_000;

interface Command {
  folder: string;
  input: Socket | undefined;
  outputs: Promise<unknown>;
}

interface Session {
  channel: Channel;
  shell: ChildProcess;
  folder: string;
  commands: Map<number, Command>;
}

export async function serveSession(channel: Channel, settings: KeeperSettings, id: string): Promise<void> {
  const folder = `${settings.scratch}/${id}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const shell = spawnShell(settings, [], { cwd: settings.workDir, extraPipes: 1 });
  const session: Session = { channel, shell, folder, commands: new Map() };
  shell.stdout?.resume();
  shell.stderr?.resume();
  shell.stdin?.write(`exec ${reportDescriptor()}>&3 3>&-\n`);
  followReports(session);
  shell.once("error", () => channel.socket.destroy());
  shell.once("exit", () => void writeJson(channel.socket, { closed: true }));
  await answer(channel, {});
  try {
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind === frameKind.json) await obey(session, parseJson(frame));
    }
  } finally {
    endShell(shell);
    for (const command of session.commands.values()) command.input?.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A descriptor beyond those that people use (bash supports several digits, other shells only one). */
function reportDescriptor(): number {
  return findShell().endsWith("bash") ? 250 : 9;
}

async function obey(session: Session, order: Request): Promise<void> {
  const number = Number(order.number);
  if (order.do === "run") await startCommand(session, number, readText(order, "command"), order.input === true);
  if (order.do === "input") session.commands.get(number)?.input?.write(readText(order, "data"));
}

async function startCommand(session: Session, number: number, text: string, hasInput: boolean): Promise<void> {
  const base = `${session.folder}/${number}`;
  await mkdir(base, { mode: 0o700 });
  await writeFile(`${base}/text`, text, { mode: 0o600 });
  await makePipes(base);
  const outputs = Promise.all([
    forwardPipe(session.channel, await openOutput(`${base}/out`), frameKind.stdout, number),
    forwardPipe(session.channel, await openOutput(`${base}/err`), frameKind.stderr, number),
  ]);
  const input = hasInput ? await openInput(`${base}/in`) : undefined;
  session.commands.set(number, { folder: base, input, outputs });
  const descriptor = reportDescriptor();
  const source = hasInput ? `${base}/in` : "/dev/null";
  session.shell.stdin?.write(
    // `command -p` works whatever PATH is by now: if the text could not be read, the command would succeed without
    // doing anything.
    `eval "$(command -p cat '${base}/text')" <'${source}' >'${base}/out' 2>'${base}/err' ${descriptor}>&-\n` +
      `command printf '%s %s\\n' ${number} "$?" >&${descriptor}\n`,
  );
}

async function forwardPipe(channel: Channel, pipe: Readable, kind: number, number: number): Promise<void> {
  const label = Buffer.alloc(4);
  label.writeUInt32BE(number);
  try {
    for await (const chunk of pipe) await writeFrame(channel.socket, kind, Buffer.concat([label, chunk as Buffer]));
  } catch {
    // The pipe was destroyed with its session.
  }
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
      const [number, exitCode] = line.split(" ").map(Number);
      if (number !== undefined && exitCode !== undefined) void finishCommand(session, number, exitCode);
    }
  });
}

async function finishCommand(session: Session, number: number, exitCode: number): Promise<void> {
  const command = session.commands.get(number);
  if (!command) return;
  command.input?.destroy();
  await command.outputs;
  session.commands.delete(number);
  await writeJson(session.channel.socket, { number, exitCode });
  await rm(command.folder, { recursive: true, force: true });
}

function endShell(shell: ChildProcess): void {
  const { pid } = shell;
  if (pid === undefined) return;
  killGroup(pid, "SIGTERM");
  setTimeout(() => killGroup(pid, "SIGKILL"), graceMs).unref();
}
