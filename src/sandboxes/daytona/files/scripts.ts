// Runs our own short shell scripts in the sandbox, for operations that the daemon's API lacks. They are POSIX shell,
// use only programs that BusyBox also has, take all values as arguments, and end by themselves. They start at the root,
// so that no program loads what is in the project.
import { SandboxError } from "../../../agent/sandbox.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { CallOptions, DaytonaConnection } from "../client/connection.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox, ToolboxRequest } from "../client/toolbox.ts";
import { writeShell } from "../commands/command-line.ts";
import { readBytes } from "./json-stream.ts";

/** What every use of a sandbox's files needs. */
export interface FilePorts {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

/** Scripts print a few lines. */
const ANSWER_BYTES = 64 * 1024;

/** The daemon ends a script at its timeout. Its answer may arrive this much later. */
const GRACE_MS = 5_000;

const UNREADABLE = "the sandbox gave no answer that can be read";

export interface Script {
  text: string;
  /** The arguments, from `$1`. */
  values: string[];
  timeout_ms: number;
  /** How much is read of the answer, which is JSON. Enough for a few lines by default. */
  answer_bytes?: number;
}

/** Runs a script as `execute` does. */
export function runScript(
  toolbox: Toolbox,
  sandbox: SdkSandbox,
  { text, values, ...limits }: Script,
  signal: AbortSignal,
): Promise<string> {
  return execute(toolbox, sandbox, { command: writeShell(`cd /\n${text}`, values), ...limits }, signal);
}

/** Resolves with what a command printed on both streams. Rejects as `Toolbox.ask` does, and with `too_large`. */
export async function execute(
  toolbox: Toolbox,
  sandbox: SdkSandbox,
  {
    command,
    timeout_ms,
    answer_bytes = ANSWER_BYTES,
  }: Pick<Script, "timeout_ms" | "answer_bytes"> & { command: string },
  signal: AbortSignal,
): Promise<string> {
  const body = JSON.stringify({ command, timeout: Math.ceil(timeout_ms / 1000) });
  const request = {
    method: "POST",
    path: "/process/execute",
    body,
    signal,
    timeout_ms: timeout_ms + GRACE_MS,
  } as const;
  const answer = await askJson(toolbox, sandbox, request, answer_bytes);
  if (isRecord(answer) && typeof answer.result === "string") return answer.result;
  throw new DaytonaFailure(UNREADABLE, { status: 500 });
}

/** The daemon's answer; null if it has no body. */
export async function askJson(
  toolbox: Toolbox,
  sandbox: SdkSandbox,
  request: ToolboxRequest,
  limit: number,
): Promise<unknown> {
  const bytes = await toolbox.ask(sandbox, request, (response) => readBytes(response, limit));
  if (bytes === null)
    throw new SandboxError("too_large", "The sandbox's answer is too long. Use a command to see a part of it.");
  try {
    return JSON.parse(new TextDecoder().decode(bytes) || "null");
  } catch {
    throw new DaytonaFailure(UNREADABLE, { status: 500 });
  }
}

/**
 * `say WORD REST` ends a script. `need` ends one that lacks a program. `follow` prints where an absolute path leads:
 * BusyBox's `readlink -f` takes a relative link to what is not there for one in the script's own folder.
 */
export const SAY = `exec 2>&1
say() { printf '\\ntaskloom:%s\\n' "$*"; exit 0; }
need() { for each; do command -v "$each" >/dev/null 2>&1 || say lacks "$each"; done; }
follow() {
  here=$1 steps=0
  while [ -L "$here" ] && [ ! -e "$here" ] && [ "$steps" -lt 40 ]; do
    next=$(readlink -n -- "$here" && echo .) || return
    case $next in /*) here=\${next%.} ;; *) here=\${here%/*}/\${next%.} ;; esac
    steps=$((steps + 1))
  done
  readlink -f -- "$here"
}`;

export interface Answer {
  word: string;
  /** What was said after the word. */
  rest: string;
  /** What was printed before. */
  output: string;
  /** Any but the last one may have happened, too. */
  attempts: number;
}

/** What a script said at its end. Rejects with `SandboxError` only; `what` is the path that it names. */
export async function askScript(
  { connection, toolbox }: Pick<FilePorts, "connection" | "toolbox">,
  { what, options, ...script }: Script & { what: string; options?: CallOptions },
  signal: AbortSignal,
): Promise<Answer> {
  let attempts = 0;
  const text = `${SAY}\n${script.text}`;
  const output = await explain(what, signal, () =>
    connection.call(
      (sandbox) => {
        attempts++;
        return runScript(toolbox, sandbox, { ...script, text }, signal);
      },
      signal,
      options,
    ),
  );
  const [line = "", word, rest = ""] = /\ntaskloom:(\w+)(?!\w) ?([^\n]*)\n$/.exec(output) ?? [];
  if (word === undefined) throw new SandboxError("failed", `${what}: the sandbox did not say what became of it.`);
  if (word === "lacks") throw new SandboxError("failed", `${what}: the sandbox lacks ${rest}, which this needs.`);
  return { word, rest, output: output.slice(0, output.length - line.length), attempts };
}

/** Names the path in the failure of a request about it. */
export async function explain<Value>(what: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof SandboxError ? error : toSandboxError(readFailure(error), what);
  }
}

/** The error for a script that could not change something, from what its programs printed. */
export function explainStuck(asked: string, output: string): SandboxError {
  const reason = (output.trim().split("\n").at(-1) ?? "").replace(/^.*: /, "").slice(0, 200);
  const code = isForbidden(output) ? "refused" : "failed";
  return new SandboxError(code, `${asked}: ${reason === "" ? "it could not be changed" : reason}.`);
}

export function isForbidden(message: string): boolean {
  return /permission denied|EACCES|not permitted|read-only/i.test(message);
}
