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

interface StepOptions {
  /** Prints title and output only when the step has ended, since others print meanwhile. */
  isBeside?: boolean;
}

/** Resolves with the exit code; 1 for a program that can't be started or dies of a signal. */
export function runStep(
  title: string,
  command: string,
  args: string[],
  { isBeside = false }: StepOptions = {},
): Promise<number> {
  const heading = `\n— ${title}`;
  const held: string[] = [];
  if (!isBeside) console.log(heading);
  return new Promise((resolve) => {
    const output = isBeside ? "pipe" : "inherit";
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", output, output],
      env: { ...process.env, ...offline, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}` },
    });
    running.add(child);
    child.once("error", (error) => {
      running.delete(child);
      console.error(`${command} could not be started: ${error.message}`);
      resolve(1);
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text) => held.push(text));
    // The end of its output too, which may come after its exit.
    child.once("close", (code) => {
      running.delete(child);
      if (isBeside) console.log(`${heading}\n${held.join("").trimEnd()}`);
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
