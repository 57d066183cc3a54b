/**
 * `process/execute`: one command in its own shell, stdout and stderr merged as a terminal would show them.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants, open, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { constants as system } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import {
  answer,
  type Channel,
  describeFailure,
  frameKind,
  parseJson,
  type Request,
  readText,
  readVariables,
  writeFrame,
  writeJson,
} from "./channel.ts";
import { findShell, type KeeperSettings, processEnvironment, resolvePath } from "./settings.ts";

/** Process groups that must not outlive the keeper. In a pid namespace they can't; without one, this list ends them. */
export const groups = new Set<number>();

export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has already ended.
  }
}

/** A group outlives its leader while a background child runs; once it is empty, its number may be reused. */
function forgetEmptyGroups(): void {
  for (const pid of groups) {
    try {
      process.kill(-pid, 0);
    } catch {
      groups.delete(pid);
    }
  }
}

/**
 * Ends everything in the pid namespace when there are too many processes. One signal to all, which no fork escapes:
 * signalling them one by one would never catch up with a fork bomb. The keeper and the first process are spared.
 */
export function endExcessProcesses(maxProcesses: number): void {
  const count = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
  // Outside of a bubblewrap namespace the signal would reach every process of this user.
  if (count <= maxProcesses || readFileSync("/proc/1/comm", "utf8") !== "bwrap\n") return;
  try {
    process.kill(-1, "SIGKILL");
  } catch {
    // They have ended by themselves.
  }
}

/** Starts a shell as the leader of its own process group, so that a signal reaches all that it starts. */
export function spawnShell(
  settings: KeeperSettings,
  args: string[],
  options: { cwd: string; variables?: Record<string, string>; extraPipes?: number; program?: string },
): ChildProcess {
  const child = spawn(options.program ?? findShell(), args, {
    cwd: options.cwd,
    env: processEnvironment(settings, options.variables),
    detached: true,
    stdio: ["pipe", "pipe", "pipe", ...Array.from({ length: options.extraPipes ?? 0 }, () => "pipe" as const)],
  });
  const { pid } = child;
  if (pid !== undefined) {
    groups.add(pid);
    child.once("exit", forgetEmptyGroups);
  }
  child.stdin?.on("error", () => {});
  return child;
}

/** The command is passed by stdin, as in the real daemon: an argument is limited to 128 KiB. */
export function executeCommand(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  return executeProgram(channel, request, settings, {
    program: [findShell()],
    input: `${readText(request, "command")}\n`,
  });
}

/** The output is a named pipe, so that `/dev/stdout` and `/dev/stderr` can be opened by name. */
const openStreams = 'exec >"$0/out" 2>&1; echo >&3; exec 3>&-; exec "$@"';

/** Runs a program that reads its input from stdin. Replies with its complete output and its exit code. */
async function executeProgram(
  channel: Channel,
  request: Request,
  settings: KeeperSettings,
  { program, input }: { program: string[]; input: string },
): Promise<void> {
  const cwd = await findFolder(settings, readText(request, "cwd"));
  if (typeof cwd !== "string") {
    await writeFrame(channel.socket, frameKind.stdout, Buffer.from(cwd.message));
    await writeJson(channel.socket, { exitCode: -1 });
    return;
  }
  const folder = join(settings.scratch, `execute-${randomUUID()}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await makePipes(folder);
  const output = await openOutput(join(folder, "out"));
  const child = spawnShell(settings, ["-c", openStreams, folder, ...program], {
    program: "/bin/sh",
    cwd,
    variables: readVariables(request, "variables"),
    extraPipes: 1,
  });
  const ended = awaitEnd(child);
  await Promise.race([awaitReadiness(child), ended]);
  await rm(folder, { recursive: true, force: true });
  // The server closes the channel when time is up. This shows as the end of the input, since half-open connections are
  // allowed; the process would otherwise live on until it writes something.
  const kill = (): void => {
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
    output.destroy();
  };
  channel.socket.once("end", kill).once("close", kill);
  channel.socket.resume();
  child.stdin?.end(input);
  await forward(output, channel, frameKind.stdout);
  await writeJson(channel.socket, { exitCode: await ended });
}

async function findFolder(settings: KeeperSettings, cwd: string): Promise<string | { message: string }> {
  try {
    const folder = await resolvePath(settings, cwd);
    if ((await stat(folder)).isDirectory()) return folder;
    return { message: `chdir ${cwd}: not a directory` };
  } catch (error) {
    return { message: `chdir: ${describeFailure(error, cwd).message}` };
  }
}

export async function forward(source: Readable, channel: Channel, kind: number): Promise<void> {
  try {
    for await (const chunk of source) await writeFrame(channel.socket, kind, chunk as Buffer);
  } catch {
    // Destroyed: the channel has closed, or the process has ended.
  }
}

/**
 * Waits for the output to end too, as the real daemon does: a background child that keeps stdout open holds the call.
 */
export function awaitEnd(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (code, signal) => resolve(code ?? signalExitCode(signal)));
  });
}

function signalExitCode(signal: NodeJS.Signals | null): number {
  return signal === "SIGKILL" ? 137 : signal === "SIGTERM" ? 143 : 129;
}

const run = promisify(execFile);
const openDescriptor = promisify(open);

async function makePipes(folder: string): Promise<void> {
  await run("mkfifo", [`${folder}/out`, `${folder}/err`, `${folder}/in`]);
}

/** Opened for reading before the shell opens it for writing; without O_NONBLOCK the open call would block a thread. */
export async function openOutput(path: string): Promise<Socket> {
  const fd = await openDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return wrapPipe(fd, { readable: true, writable: false });
}

/** Opened for reading and writing, since opening a pipe for writing alone fails while nobody reads it. */
export async function openInput(path: string): Promise<Socket> {
  const fd = await openDescriptor(path, constants.O_RDWR | constants.O_NONBLOCK);
  return wrapPipe(fd, { readable: false, writable: true });
}

/** Resolves when the shell reports on its first extra pipe that it has opened its streams. */
function awaitReadiness(child: ChildProcess): Promise<void> {
  const reports = child.stdio[3] as Readable;
  reports.on("error", () => {});
  return new Promise((resolve) => {
    reports.once("data", () => resolve());
  });
}

function wrapPipe(fd: number, direction: { readable: boolean; writable: boolean }): Socket {
  const socket = new Socket({ fd, ...direction });
  socket.on("error", () => socket.destroy());
  return socket;
}

/**
 * Opens its streams, reports that, and becomes the command; without one it becomes a shell that reads commands.
 *
 * With bash, stdin goes through a `cat`: that makes it a pipe, which can be opened by name as `/dev/stdin` even after
 * its end, unlike the socket that Node gives and unlike a named pipe.
 */
const script = (input: string): string => `exec ${input} >"$1/out" 2>"$1/err"; echo >&3; exec 3>&-
if [ "$2" ]; then exec /bin/sh -c "$2"; else exec /bin/sh; fi`;
const pipedInput = "< <(exec cat 2>/dev/null 3>&-)";

export async function serveStreams(
  channel: Channel,
  request: Request,
  settings: KeeperSettings,
  token: string,
): Promise<void> {
  const folder = `${settings.scratch}/${token}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await makePipes(folder);
  const [stdout, stderr] = [await openOutput(`${folder}/out`), await openOutput(`${folder}/err`)];
  const input = findShell().endsWith("bash") ? pipedInput : "";
  const args = ["-c", script(input), "sh", folder, readText(request, "command")];
  const child = spawnShell(settings, args, { cwd: settings.workDir, extraPipes: 1 });
  const ended = awaitEnd(child);
  await Promise.race([awaitReadiness(child), ended]);
  await rm(folder, { recursive: true, force: true });
  await answer(channel, {});
  void takeInput(channel, child).then(() => {
    for (const pipe of [child.stdin, stdout, stderr]) pipe?.destroy();
  });
  await Promise.all([forward(stdout, channel, frameKind.stdout), forward(stderr, channel, frameKind.stderr)]);
  await writeJson(channel.socket, { exitCode: await ended });
}

async function takeInput(channel: Channel, child: ChildProcess): Promise<void> {
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
    if (frame.kind === frameKind.data) await writeInput(child, frame.payload);
    else if (frame.kind === frameKind.finish) child.stdin?.end();
    else if (frame.kind === frameKind.json) passSignal(child, readText(parseJson(frame), "signal"));
  }
}

/** Waits until the program accepts more input or stops reading. */
function writeInput({ stdin }: ChildProcess, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (!stdin || stdin.destroyed || stdin.writableEnded) resolve();
    else stdin.write(data, () => resolve());
  });
}

function passSignal({ pid }: ChildProcess, name: string): void {
  const signal = `SIG${name}`;
  if (pid !== undefined && signal in system.signals) killGroup(pid, signal as NodeJS.Signals);
}
