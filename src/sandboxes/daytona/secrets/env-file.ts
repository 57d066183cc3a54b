// Brings values into the environment of one command. They are in no argument, no log of the daemon and no record of
// Daytona: a short script gets them on the standard input of the daemon's shell and writes them into a file that only
// the sandbox's user can read, in memory where the image has such a folder. The command's wrapper reads the file and
// deletes it before the command begins.
import { SandboxError } from "../../../agent/sandbox.ts";
import { OutputMask } from "../../output-mask.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { ENV_FOLDERS, ENV_PREFIX, quote } from "../commands/command-line.ts";
import { readBytes } from "../files/json-stream.ts";

const SECONDS = 10;
/** The output has a word. */
const ANSWER_BYTES = 64 * 1024;

/** Another program than the shell's own `printf` would have the values among its arguments. */
function writeScript(session: string, text: string): string {
  return [
    `[ "$(command -v printf)" = printf ] || exit 3`,
    "umask 077",
    `for folder in ${ENV_FOLDERS.join(" ")}; do`,
    '  [ -d "$folder" ] && [ -w "$folder" ] || continue',
    `  find "$folder" -maxdepth 1 -name '${ENV_PREFIX}*' -mmin +60 -exec rm -f -- {} + 2>/dev/null`,
    `  file=$folder/${ENV_PREFIX}${session}`,
    '  rm -f -- "$file" 2>/dev/null',
    `  printf %s ${quote(text)} 2>/dev/null >"$file" && echo written && exit 0`,
    "done",
    "exit 4",
  ].join("\n");
}

export async function writeEnvFile(
  { toolbox, sandbox }: { toolbox: Toolbox; sandbox: SdkSandbox },
  session: string,
  values: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const text = [...values].map(([name, value]) => `export ${name}=${quote(value)}\n`).join("");
  const body = JSON.stringify({ command: writeScript(session, text), timeout: SECONDS });
  const request = {
    ...{ method: "POST" as const, path: "/process/execute", body, signal },
    timeout_ms: 2 * SECONDS * 1_000,
  };
  const asked = toolbox.ask(sandbox, request, (response) => readBytes(response, ANSWER_BYTES));
  const bytes = await asked.catch(hideIn(values));
  const answer = new TextDecoder().decode(bytes ?? undefined);
  if (/"result"\s*:\s*"written/.test(answer)) return;
  throw new SandboxError(
    "failed",
    "The project's secrets can't be given to commands: the sandbox's shell has no printf of its own, or no folder for " +
      "temporary files can be written.",
  );
}

/** Whoever refuses the request may quote it. */
function hideIn(values: ReadonlyMap<string, string>): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error)) throw error;
    const message = new OutputMask(values.values()).apply(error.message);
    if (error instanceof SandboxError) throw new SandboxError(error.code, message, error.retry_after_s);
    error.message = message;
    throw error;
  };
}
