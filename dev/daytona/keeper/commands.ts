/**
 * `process/execute`: one command in a shell of its own, stdout and stderr in one stream as a terminal would show them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Channel, type Request, readText, readVariables } from "./channel.ts";
import { describeFailure } from "./failures.ts";
import { frameKind, writeFrame, writeJson } from "./frames.ts";
import { resolvePath } from "./paths.ts";
import { awaitReadiness, makePipes, openOutput } from "./pipes.ts";
import { findShell, type KeeperSettings, processEnvironment } from "./settings.ts";

/** Process groups that must not outlive the keeper (in a pid namespace they can't; without one this list ends them). */
export const groups = new Set<number>();

export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** A group outlives its leader while a background child runs, and its number is free again when it is empty. */
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
 * Ends everything in the pid namespace when there are too many processes. One signal to all, which no fork escapes: to
 * go through them one by one would never catch up with a fork bomb. The keeper itself and the first process are spared.
 */
export function endStorm(maxProcesses: number): void {
  const count = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
  // Anywhere but in a namespace of bubblewrap the signal would reach everything that its user runs.
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

/** The command comes by stdin, as the real daemon does it: an argument may hold no more than 128 KiB. */
export function executeCommand(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  return executeProgram(channel, request, settings, {
    program: [findShell()],
    input: `${readText(request, "command")}\n`,
  });
}

/** Its output is a named pipe, so that `/dev/stdout` and `/dev/stderr` can be opened by name. */
const openStreams = 'exec >"$0/out" 2>&1; echo >&3; exec 3>&-; exec "$@"';

/** Runs a program that reads what it is to do from stdin, and answers with all that it says and how it ended. */
export async function executeProgram(
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
  // The server closes the channel when time is up. It shows as the end of what there is to read, since half-open
  // connections are allowed; the process would otherwise live on until it writes something.
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

/** Like the real daemon, waits for the output to end too: a background child that keeps stdout holds the call. */
export function awaitEnd(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (code, signal) => resolve(code ?? signalExitCode(signal)));
  });
}

function signalExitCode(signal: NodeJS.Signals | null): number {
  return signal === "SIGKILL" ? 137 : signal === "SIGTERM" ? 143 : 129;
}
