// Runs the wrangler that npm has installed. What it prints is kept for the end of a failure, without secrets.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { inheritedVariables } from "../start/processes.ts";

export interface WranglerRun {
  code: number;
  stdout: string;
  /** The last lines of all that it printed. */
  tail: string;
}

export interface Wrangler {
  run(args: string[], options?: { isAsking?: boolean; output?: string }): Promise<WranglerRun>;
  /** Ends what runs. */
  stop(): void;
}

/** No reports, no prompts for anything but the deployment, no log files in the home folder. */
const quiet = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_WRITE_LOGS: "false",
};

const TAIL_LINES = 30;
/** A list of a thousand databases has 400 KB. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** `cache`: where it notes which account was chosen, which its usual place would hand on to other deployments. */
export function openWrangler(root: string, cache: string, hide: (text: string) => string): Wrangler {
  const running = new Set<ChildProcess>();
  return {
    /** `isAsking`: it gets the terminal and may ask its person. `output`: the file in which it says what it made. */
    run(args, { isAsking = false, output } = {}) {
      const child = spawn(process.execPath, [join(root, "node_modules/wrangler/bin/wrangler.js"), ...args], {
        cwd: root,
        stdio: isAsking ? "inherit" : ["ignore", "pipe", "pipe"],
        env: {
          ...inheritedVariables(process.env),
          ...quiet,
          WRANGLER_CACHE_DIR: cache,
          ...(isAsking ? {} : { NO_COLOR: "1" }),
          ...(output === undefined ? {} : { WRANGLER_OUTPUT_FILE_PATH: output }),
        },
      });
      running.add(child);
      let [stdout, all] = ["", ""];
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        stdout = (stdout + text).slice(0, MAX_CHARACTERS);
        all = (all + text).slice(-MAX_CHARACTERS);
      });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        all = (all + text).slice(-MAX_CHARACTERS);
      });
      return new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => {
          running.delete(child);
          resolve({ code: code ?? 1, stdout, tail: hide(readTail(all)) });
        });
      });
    },
    stop() {
      for (const child of running) child.kill("SIGTERM");
    },
  };
}

/** Of no use to who deploys: frames of a stack, the second failure of wrangler's own handler, and what it is doing. */
const noise = [
  /^\s+at .*:\d+:\d+\)*$/,
  /^\s*\(error handler also failed/,
  /^\s*(?:Getting User settings|If you think this is a bug)/,
];

/** The last lines, each once. */
export function readTail(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "" && !noise.some((pattern) => pattern.test(line)));
  return [...new Set(lines)].slice(-TAIL_LINES).join("\n");
}
