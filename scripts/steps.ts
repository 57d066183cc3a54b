// One step of a script: a program that streams its output, stops with this process, and reports how it ended.
import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { endWithReader } from "../dev/reader.ts";

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
endWithReader(() => {
  for (const child of running) child.kill("SIGTERM");
});

/** True once a signal has asked this script to stop. */
export function isStopping(): boolean {
  return process.exitCode !== undefined;
}

interface StepOptions {
  /** Takes title and output, since others print meanwhile. By default they are printed at once. */
  say?: (text: string) => void;
  /** Of its environment, beside those of this process. */
  variables?: Record<string, string>;
}

/** Resolves with the exit code; 1 for a program that can't be started or dies of a signal. */
export function runStep(
  title: string,
  command: string,
  args: string[],
  { say, variables = {} }: StepOptions = {},
): Promise<number> {
  const print = say ?? ((text: string) => void process.stdout.write(text));
  print(`\n— ${title}\n`);
  return new Promise((resolve) => {
    const output = say === undefined ? "inherit" : "pipe";
    const env = { ...stepVariables(), ...variables };
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", output, output], env });
    running.add(child);
    child.once("error", (error) => {
      running.delete(child);
      print(`${command} could not be started: ${error.message}\n`);
      resolve(1);
    });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", print);
    // The end of its output too, which may come after its exit.
    child.once("close", (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

function stepVariables(): NodeJS.ProcessEnv {
  const PATH = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  // A program that writes into a pipe does not see that a person reads it.
  const colors = process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: "1" } : {};
  return { ...colors, ...process.env, ...offline, PATH };
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
