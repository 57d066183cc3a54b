// Programs that the start runs: each in a group of its own behind the guard, its output in the log.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Log } from "./log.ts";
import type { Stopping } from "./stopping.ts";

export interface Place {
  root: string;
  log: Log;
  stopping: Stopping;
}

/** The guard ends a group within its grace; after this we end what is left ourselves. */
const stopMs = 4_000;

/**
 * Wrangler's own network, questions and files in the home folder are switched off; so is its record of every request, which
 * would grow without end and hold the tickets and links that addresses carry.
 */
const quiet = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_WRITE_LOGS: "false",
  X_LOCAL_OBSERVABILITY: "false",
  NO_COLOR: "1",
};

/** Secrets reach the Worker through its settings file only. */
const secretName = /^(OPENAI|DAYTONA|SLACK|TAVILY|ADMIN|ENCRYPTION)_/;

export interface Program {
  /** Resolves with the exit code when the program has ended and nothing of its group is left. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

/** `name` is a program of node_modules/.bin. */
export async function startProgram(
  { root, log, stopping }: Place,
  name: string,
  args: string[],
  variables: Record<string, string> = {},
): Promise<Program> {
  const inherited = Object.entries(process.env).filter(([key]) => !secretName.test(key));
  const guard = join(import.meta.dirname, "guard.ts");
  const child = spawn(process.execPath, [guard, process.execPath, join(root, "node_modules/.bin", name), ...args], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...Object.fromEntries(inherited), ...quiet, ...variables },
  });
  if (child.stdout) log.follow(child.stdout);
  if (child.stderr) log.follow(child.stderr);
  let code = 1;
  child.on("message", (message) => {
    code = Number(message);
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", () => {
      endGroup(child);
      resolve(code);
    });
  });
  const stop = (): Promise<void> => stopProgram(child, ended);
  await stopping.add(stop);
  return { ended, stop };
}

/** Runs a program to its end; throws with the end of the log where it fails. */
export async function runProgram(place: Place, name: string, args: string[], variables = {}): Promise<void> {
  const program = await startProgram(place, name, args, variables);
  const code = await program.ended;
  if (code !== 0) throw new Error(`\`${name} ${args.slice(0, 3).join(" ")}\` failed:\n${place.log.tail()}`);
}

async function stopProgram(child: ChildProcess, ended: Promise<number>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => endGroup(child), stopMs);
  await ended;
  clearTimeout(timer);
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of the group is left.
  }
}
