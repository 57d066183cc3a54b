// What all looks of checks need, and how they run a script.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import type { Guard } from "../client/client.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { DaytonaFiles } from "../files/files.ts";
import { type FilePorts, runScript } from "../files/scripts.ts";
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

/** What the script printed. Empty if its time was over. */
export async function run(
  { connection, toolbox }: FilePorts,
  { values, ...script }: CheckScript,
  signal: AbortSignal,
): Promise<string> {
  try {
    const send = (sandbox: SdkSandbox) =>
      runScript(toolbox, sandbox, { ...script, values: values(sandbox.id) }, signal);
    return (await connection.call(send, signal)).output;
  } catch (error) {
    signal.throwIfAborted();
    const is_late = error instanceof DaytonaFailure && (error.is_timeout || /execution timeout/i.test(error.message));
    if (is_late) return "";
    throw error;
  }
}

export function lacks(program: string): SandboxError {
  return new SandboxError("failed", `The sandbox lacks ${program}, which checks need.`);
}
