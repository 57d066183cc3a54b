// Runs our own short shell scripts in the sandbox, for operations that the daemon's API lacks. They are POSIX shell,
// use only programs that BusyBox also has, take all values as arguments, and end by themselves. They start at the root,
// so that no program loads what is in the project.

import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { quote } from "../commands/command-line.ts";
import { readBytes } from "./json-stream.ts";

/** Scripts print a few lines. */
const ANSWER_BYTES = 64 * 1024;

/** The daemon ends a script at its timeout. Its answer may arrive this much later. */
const GRACE_MS = 5_000;

export interface Script {
  text: string;
  /** The arguments, from `$1`. */
  values: string[];
  timeout_ms: number;
  /** How much is read of the answer, which is JSON. Enough for a few lines by default. */
  answer_bytes?: number;
}

/** Resolves with the script's output on both streams and its exit code. Rejects as `Toolbox.ask` does. */
export async function runScript(
  toolbox: Toolbox,
  sandbox: SdkSandbox,
  { text, values, timeout_ms, answer_bytes = ANSWER_BYTES }: Script,
  signal: AbortSignal,
): Promise<{ output: string; exit_code: number }> {
  const command = ["/bin/sh -c", ...[`cd /\n${text}`, "taskloom", ...values].map(quote)].join(" ");
  const body = JSON.stringify({ command, timeout: Math.ceil(timeout_ms / 1000) });
  const request = {
    method: "POST" as const,
    path: "/process/execute",
    body,
    signal,
    timeout_ms: timeout_ms + GRACE_MS,
  };
  const bytes = await toolbox.ask(sandbox, request, (response) => readBytes(response, answer_bytes));
  const answer = JSON.parse(new TextDecoder().decode(bytes ?? undefined) || "null") as Record<string, unknown> | null;
  if (typeof answer?.result !== "string" || typeof answer.exitCode !== "number") {
    throw new DaytonaFailure("the sandbox gave no answer that can be read", { status: 500 });
  }
  return { output: answer.result, exit_code: answer.exitCode };
}
