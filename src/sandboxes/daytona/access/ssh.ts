// SSH access to the sandbox: Daytona's gateway accepts a token as the user name, until the token expires.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SshAccess } from "../../../agent/workspace.ts";
import type { DaytonaClient } from "../client/client.ts";

export class DaytonaSsh {
  readonly #client: DaytonaClient;

  constructor(client: DaytonaClient) {
    this.#client = client;
  }

  async open(minutes: number, signal: AbortSignal): Promise<SshAccess> {
    const { connection } = this.#client;
    const [access, folder] = await connection.call(
      (sandbox) => Promise.all([sandbox.createSshAccess(minutes), sandbox.getWorkDir()]),
      signal,
    );
    const target = readSshCommand(access.sshCommand);
    if (target === null) throw new SandboxError("failed", "Daytona gave an SSH command that can't be read.");
    return {
      ...target,
      command: access.sshCommand,
      folder: folder ?? "/",
      expires_at: new Date(access.expiresAt).toISOString(),
    };
  }

  async close(signal: AbortSignal): Promise<void> {
    const { lifecycle } = this.#client;
    const sandbox = await lifecycle.find(lifecycle.name, signal);
    if (sandbox === null) return;
    // Without a token it revokes all of the sandbox's tokens, which the SDK's types don't show.
    const revoke = sandbox.revokeSshAccess as (token?: string) => Promise<void>;
    await lifecycle.control(() => revoke.call(sandbox), signal);
  }
}

/** Reads `ssh [-p PORT] USER@HOST`, with any other options that an operator's gateway needs. */
export function readSshCommand(command: string): { user: string; host: string; port: number | null } | null {
  const [program, ...words] = command.trim().split(/\s+/);
  if (program !== "ssh") return null;
  const [, user, host] = words.map((word) => /^([\w.~-]+)@([\w.-]+|\[[\da-fA-F:]+\])$/.exec(word)).find(Boolean) ?? [];
  if (user === undefined || host === undefined) return null;
  const flag = words.findIndex((word) => /^-p\d*$/.test(word));
  const text = flag === -1 ? null : words[flag]?.slice(2) || words[flag + 1];
  const port = text === null ? null : Number(text);
  if (port !== null && !(Number.isInteger(port) && port > 0 && port < 65_536)) return null;
  return { user, host, port };
}
