// What all looks of checks need, how they run a script, and how a script answers.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import type { Guard } from "../client/client.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { DaytonaFiles } from "../files/files.ts";
import { type FilePorts, runScript, SAY } from "../files/scripts.ts";
import type { GitRequests } from "../git/git-requests.ts";
import type { DaytonaSecrets } from "../secrets/secrets.ts";

export interface CheckPorts extends FilePorts {
  files: DaytonaFiles;
  secrets: DaytonaSecrets;
  guard: Guard;
  requests: GitRequests;
  access: GitAccess;
  /** The address from which the project's checkout is cloned; null if it has none. */
  source_url: string | null;
  /** The folder of the project's checkout; null if it has none. */
  readHome(): string | null;
}

export interface CheckScript {
  text: string;
  values: (sandbox: string) => string[];
  timeout_ms: number;
  answer_bytes?: number;
}

/** Where programs of ours are found, whatever the project set. */
export const OWN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Every script begins with this. `$path` is the project's PATH. */
export const BEGIN = `path=$PATH; PATH=${OWN_PATH}:$PATH; LC_ALL=C; export PATH LC_ALL
${SAY}`;

/** Where records are: `/var/tmp` conventionally survives restarts. `$sandbox` is the sandbox's id. */
export const RECORDS = `for base in /var/tmp /tmp; do
  records=$base/.taskloom/$sandbox
  mkdir -p "$records" 2>/dev/null && [ -w "$records" ] && break
done`;

/** Removes `$work` at the end, also of a script that is ended. */
export const SWEEP_WORK = `trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM`;

/** git without any setting of the image, the home or a variable. `$work` is a folder of ours. */
export const OWN_GIT = `for name in $(env | sed -n 's/^\\(GIT_[A-Z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_LAZY_FETCH=1
GIT_ALLOW_PROTOCOL=none GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_NO_LAZY_FETCH
export GIT_ALLOW_PROTOCOL GIT_NO_REPLACE_OBJECTS GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS`;

/** A script's last word, the rest of its line, and the lines after it, of which the last one is `end`. */
export interface Said {
  word: string;
  rest: string;
  /** Without `end`. Null if that is not there: the script was cut. */
  lines: string[] | null;
}

/** Null for a script that was cut before it said anything. */
export function readSaid(output: string): Said | null {
  const start = output.lastIndexOf("\ntaskloom:");
  if (start < 0) return null;
  const [line = "", ...lines] = output.slice(start + "\ntaskloom:".length).split("\n");
  const [, word = "", rest = ""] = /^(\w+)(?!\w) ?(.*)$/.exec(line) ?? [];
  return { word, rest, lines: lines.at(-2) === "end" ? lines.slice(0, -2) : null };
}

/** What keeps a script from looking. `what` is empty if no space is left. */
export type NoLook = { kind: "no_folder" } | { kind: "stuck"; what: string };

export function readNoLook({ word, rest }: Said): NoLook | null {
  if (word === "no_folder") return { kind: word };
  return word === "stuck" ? { kind: word, what: rest } : null;
}

/** What the script said; null if its time was over. Rejects if a program is lacking. */
export async function run(
  { connection, toolbox }: FilePorts,
  { values, ...script }: CheckScript,
  signal: AbortSignal,
): Promise<Said | null> {
  try {
    const send = (sandbox: SdkSandbox) =>
      runScript(toolbox, sandbox, { ...script, values: values(sandbox.id) }, signal);
    const said = readSaid(await connection.call(send, signal));
    if (said?.word === "lacks") throw lacks(said.rest);
    return said;
  } catch (error) {
    signal.throwIfAborted();
    const is_late = error instanceof DaytonaFailure && (error.is_timeout || /execution timeout/i.test(error.message));
    if (is_late) return null;
    throw error;
  }
}

export function lacks(program: string): SandboxError {
  return new SandboxError("failed", `The sandbox lacks ${program}, which checks need.`);
}

/** Linux takes an argument of 128 KiB, and the script with its words is one. */
const MAX_CHARACTERS = 60_000;

/** Words that belong together stay together, in their order, in parts of which each fits into one request. */
export function splitWords(all: string[][]): string[][][] {
  const parts: string[][][] = [];
  let room = 0;
  for (const words of all) {
    const size = words.reduce((sum, word) => sum + word.length + 3, 0);
    if (size > room) {
      parts.push([]);
      room = MAX_CHARACTERS;
    }
    parts.at(-1)?.push(words);
    room -= size;
  }
  return parts;
}
