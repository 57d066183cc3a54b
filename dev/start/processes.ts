// Starts programs, each in its own process group under the guard, with its output in the log.
import { type ChildProcess, spawn } from "node:child_process";
import { basename, join } from "node:path";
import { compileCache } from "./compile-cache.ts";
import type { Log } from "./log.ts";
import { settingNames } from "./setting-names.ts";
import type { Stopping } from "./stopping.ts";

export interface Place {
  root: string;
  log: Log;
  stopping: Stopping;
}

/** The guard ends a group within its grace time; after this we kill what is left. */
const stopMs = 4_000;

/** Switches off wrangler's network requests, prompts and files in the home folder. */
const quiet = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_WRITE_LOGS: "false",
  NO_COLOR: "1",
};

/** Variables of the services that settings hold keys of; other programs' secrets may be among them. */
const serviceVariable = /^(OPENAI|DAYTONA|SLACK|ADMIN|ENCRYPTION)_/;

/** Without settings: they reach the Worker only over its channel. */
export function inheritedVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isInherited = (name: string): boolean => !settingNames.includes(name) && !serviceVariable.test(name);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isInherited(name)));
}

export interface Program {
  /** Resolves when the program reports ready over the channel to its parent; never if it doesn't report. */
  ready: Promise<void>;
  /** Whether it was asked to stop. */
  isStopping(): boolean;
  /** Sends it a message over that channel. What comes before it listens waits for it. */
  send(message: object): void;
  /** Resolves with the exit code when the program has ended and nothing of its group is left. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

/** The path of a program that npm has installed. */
export function binary({ root }: Place, name: string): string {
  return join(root, "node_modules/.bin", name);
}

/** `file` is a script for Node. */
export async function startProgram({ root, log, stopping }: Place, file: string, args: string[]): Promise<Program> {
  const guard = join(import.meta.dirname, "guard.ts");
  const child = spawn(process.execPath, [guard, process.execPath, file, ...args], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...inheritedVariables(process.env), ...quiet, NODE_COMPILE_CACHE: compileCache },
  });
  if (child.stdout) log.follow(child.stdout);
  if (child.stderr) log.follow(child.stderr);
  let code = 1;
  const ready = Promise.withResolvers<void>();
  child.on("message", (message) => {
    if (message === "ready") ready.resolve();
    else if (typeof message === "number") code = message;
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", () => {
      endGroup(child);
      resolve(code);
    });
  });
  let isStopping = false;
  const stop = (): Promise<void> => {
    isStopping = true;
    return stopProgram(child, ended);
  };
  await stopping.add(stop);
  // One that has ended gets nothing; `ended` says so.
  const send = (message: object): void => void child.send(message, () => {});
  return { ready: ready.promise, send, isStopping: () => isStopping, ended, stop };
}

/** Runs a program to its end. If it fails, throws an error with the end of the log. */
export async function runProgram(place: Place, file: string, args: string[]): Promise<void> {
  const program = await startProgram(place, file, args);
  const code = await program.ended;
  if (code !== 0) throw new Error(`\`${basename(file)} ${args.slice(0, 3).join(" ")}\` failed:\n${place.log.tail()}`);
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
