// Starts the processes of the bench, each pinned to its core. They end with this process.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/**
 * The server has a core for itself; the model, D1 and the clients share the other, as they would run on other machines.
 */
export type Core = 0 | 1;

export const canPin = spawnSync("taskset", ["-c", "0", "taskset", "-c", "1", "true"]).status === 0;

export const pinning = canPin ? "server on core 0; model, D1 and clients on core 1" : "not pinned to cores";

export interface Program {
  pid: number;
  core: Core;
  stop(): Promise<void>;
}

/** A program of this folder that speaks over Node's channel. */
export interface NodeProgram extends Program {
  /** Sends a message and resolves with the next one. */
  ask(message: object): Promise<Record<string, unknown>>;
}

/** All that run now: their CPU time is the bench's own, all other time on the machine is foreign. */
export const running = new Set<Program>();

/** `file` is relative to the bench. Resolves when the program has sent its first message. */
export async function startProgram(
  file: string,
  core: Core,
  args: string[] = [],
  settings: Record<string, string> = {},
): Promise<{ program: NodeProgram; said: Record<string, unknown> }> {
  const path = join(import.meta.dirname, "..", file);
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", path, ...args];
  const child = spawnPinned(command, core, "ipc", settings);
  const kept = keep(child, core, () => child.disconnect());
  const said = await nextMessage(child, file);
  const ask = (message: object): Promise<Record<string, unknown>> => {
    const answer = nextMessage(child, file);
    child.send(message);
    return answer;
  };
  const program = { ...kept, ask };
  running.add(program);
  return { program, said };
}

/** A program that writes a line to descriptor 3 when it is ready. Resolves with that line, the first that `says` it. */
export async function startCommand(
  command: string[],
  core: Core,
  says: (line: string) => boolean,
): Promise<{ program: Program; line: string }> {
  const child = spawnPinned(command, core, "pipe", {});
  const program = keep(child, core, () => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdio[3] as Readable });
  const line = await new Promise<string>((resolve, reject) => {
    lines.on("line", (each) => {
      if (says(each)) resolve(each);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command[0]} ended with ${code}`)));
  });
  running.add(program);
  return { program, line };
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

function spawnPinned(
  command: string[],
  core: Core,
  channel: "ipc" | "pipe",
  settings: Record<string, string>,
): ChildProcess {
  const [name = "", ...rest] = canPin ? ["taskset", "-c", String(core), ...command] : command;
  return spawn(name, rest, { stdio: ["ignore", "inherit", "inherit", channel], env: { ...process.env, ...settings } });
}

function nextMessage(child: ChildProcess, file: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off("exit", onExit);
      resolve(message as Record<string, unknown>);
    };
    const onExit = (code: number | null): void => {
      child.off("message", onMessage);
      reject(new Error(`bench/${file} ended with ${code}`));
    };
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}

/** Before whatever else is done at this process's exit: a child that outlives it would disturb the next measurement. */
function keep(child: ChildProcess, core: Core, end: () => void): Program {
  const onExit = (): unknown => child.kill("SIGKILL");
  process.prependOnceListener("exit", onExit);
  const program: Program = {
    pid: child.pid ?? 0,
    core,
    stop() {
      for (const one of running) if (one.pid === child.pid) running.delete(one);
      process.off("exit", onExit);
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      return new Promise((resolve) => {
        child.once("exit", () => resolve());
        end();
      });
    },
  };
  return program;
}
