// Git of the Daytona adapter over a shell of this machine, as the daemon runs a command: text on the shell's standard
// input. There is no sandbox: a folder is the home and the work dir.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { SandboxGit } from "../../src/agent/sandbox-git.ts";
import type { GitLogin } from "../../src/protocol/git-credential.ts";
import type { SdkSandbox } from "../../src/sandboxes/daytona/client/sdk.ts";
import { DaytonaGit, type GitPorts } from "../../src/sandboxes/daytona/git/git.ts";

export interface ShellGitOptions {
  home: string;
  /** What a remote's host takes. */
  login?: (url: string) => GitLogin | null;
  shell?: string;
  variables?: Record<string, string>;
  is_restricted?: boolean;
  /** Each command sees no processes but its own. */
  is_alone?: boolean;
  /** Runs before a command, in the same shell. */
  prefix?: (command: string) => string;
  /** Called with the process group of each command. */
  onCommand?: (group: number, command: string) => void;
}

export interface ShellGit {
  git: SandboxGit;
  /** The output of a command of a person's, in the home. */
  run(command: string): Promise<string>;
}

export function openShellGit(options: ShellGitOptions): ShellGit {
  const { home, login = () => null } = options;
  const sandbox = { id: "here" } as SdkSandbox;
  const requests = {
    run: async (_sandbox: SdkSandbox, command: string) => (await runShell(options, command)).output,
    ask: () => Promise.reject(new Error("the daemon's git was asked")),
  };
  const folders = { work: home, home };
  const ports = {
    connection: { call: (work: (sandbox: SdkSandbox) => Promise<unknown>) => work(sandbox) },
    requests,
    files: { resolve: async (path: string) => ({ absolute: path === "" ? home : `${home}/${path}`, folders }) },
    access: { findLogin: async (url: string) => login(url) },
    readHome: () => null,
    is_restricted: options.is_restricted ?? false,
  } as unknown as GitPorts;
  const run = async (command: string) =>
    (await runShell({ ...options, onCommand: () => {}, prefix: () => "" }, command)).output;
  return { git: new DaytonaGit(ports), run };
}

const alone = ["--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent"];

async function runShell(
  { home, shell = "bash", variables = {}, is_alone = false, prefix, onCommand }: ShellGitOptions,
  command: string,
): Promise<{ output: string; code: number | null }> {
  const [program, args] = is_alone ? ["bwrap", [...alone, shell]] : [shell, []];
  const child = spawn(program, args, {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      LANG: "C.UTF-8",
      DAYTONA_SANDBOX_ID: "here",
      GIT_CONFIG_NOSYSTEM: "1",
      ...variables,
    },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  if (child.pid !== undefined) onCommand?.(child.pid, command);
  child.stdin.on("error", () => {});
  child.stdin.end((prefix?.(command) ?? "") + command);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [out, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { output: out + complaint, code };
}
