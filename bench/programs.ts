// Starts the processes of the bench, each pinned to its core. They end with this process.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** The server has a core for itself; model and clients share the other, as they would run on other machines. */
export type Core = 0 | 1;

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

export const pinning = canPin ? "server on core 0, model and clients on core 1" : "not pinned to cores";

export interface Program {
  pid: number;
  /** Sends a message and resolves with the next one. */
  ask(message: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export async function startProgram(
  file: string,
  core: Core,
  args: string[] = [],
): Promise<{ program: Program; said: Record<string, unknown> }> {
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, file), ...args];
  const [name = "", ...rest] = canPin ? ["taskset", "-c", String(core), ...command] : command;
  const child = spawn(name, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const said = await nextMessage(child, file);
  const ask = (message: object): Promise<Record<string, unknown>> => {
    const answer = nextMessage(child, file);
    child.send(message);
    return answer;
  };
  return { program: { pid: child.pid ?? 0, ask, stop: () => stop(child) }, said };
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

/** Each program ends when its channel closes. */
function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.disconnect();
  });
}
