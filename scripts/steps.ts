// One step of a script: a program that streams its output, stops with this process, and reports how it ended.
import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, join } from "node:path";

export const root = join(import.meta.dirname, "..");

/** Switches off wrangler's network requests and prompts: a check must pass offline. */
const offline = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
};

const running = new Set<ChildProcess>();

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => {
    process.exitCode = code;
    for (const child of running) child.kill(signal);
  });
}

/** True once a signal has asked this script to stop. */
export function isStopping(): boolean {
  return process.exitCode !== undefined;
}

/** Resolves with the exit code; 1 for a program that can't be started or dies of a signal. */
export function runStep(title: string, command: string, args: string[]): Promise<number> {
  console.log(`\n— ${title}`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...offline, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}` },
    });
    running.add(child);
    child.once("error", (error) => {
      running.delete(child);
      console.error(`${command} could not be started: ${error.message}`);
      resolve(1);
    });
    child.once("exit", (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

/** The checks besides the tests. Each step has the name that `npm run` uses. */
export const staticSteps = [
  { title: "lint", command: "biome", args: ["check", "."] },
  { title: "types", command: "tsc", args: ["--noEmit"] },
  { title: "types of the web page", command: "tsc", args: ["--noEmit", "--project", "src/web"] },
];

/** Fails if a turn, a step or a token costs more than docs/costs.md says. */
export const costsStep = {
  title: "costs",
  command: "node",
  args: ["--disable-warning=ExperimentalWarning", "bench/guard/main.ts"],
};
