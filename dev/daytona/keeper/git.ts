/**
 * Runs `git` once in a folder of the sandbox.
 *
 * Hooks, filters and configuration of a repository are code that the sandbox chose, so git runs inside and never
 * outside. The server receives git's output as frames and parses it. A run that needs a remote gets a relay port on the
 * loopback interface (see `git-relay.ts`).
 */
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Channel, type Request, readText, readTexts, readVariables } from "./channel.ts";
import { awaitEnd, forward, groups, killGroup } from "./commands.ts";
import { KeeperError } from "./failures.ts";
import { frameKind, writeJson } from "./frames.ts";
import { openRelayPort } from "./git-relay.ts";
import { resolvePath } from "./paths.ts";
import { type KeeperSettings, processEnvironment } from "./settings.ts";

/** Between asking git to end, which removes a half-made clone, and killing it. */
const graceMs = 2_000;
/** How long to read git's last output while something else holds it open. */
const drainMs = 1_000;

export async function runGit(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const path = await resolvePath(settings, readText(request, "path"));
  // A repository that is about to be created has no folder to run in.
  const creates = request.creates === true;
  if (!creates) await requireFolder(path, readText(request, "path"));
  const relayPort = request.relay === undefined ? undefined : await openRelayPort(channel, readText(request, "relay"));
  try {
    const args = [...(relayPort?.args ?? []), ...readTexts(request, "args"), ...(creates ? [path] : [])];
    const child = spawn("git", args, {
      cwd: creates ? settings.home : path,
      env: gitEnvironment(settings, path, readVariables(request, "variables")),
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => {});
    const ended = awaitEnd(child);
    if (child.pid === undefined) throw new KeeperError(501, "NOT_IMPLEMENTED", "git is not installed on this machine");
    const { pid } = child;
    groups.add(pid);
    const end = (): void => endGroup(pid);
    channel.socket.once("end", end).once("close", end);
    channel.socket.resume();
    child.once("exit", (_code, signal) => {
      channel.socket.off("end", end).off("close", end);
      // A killed git could not end its helpers. After a normal end, a hook may have left a process that holds the
      // output open.
      if (signal) killGroup(pid, "SIGKILL");
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, drainMs).unref();
    });
    child.stdin.end(readText(request, "input"));
    await Promise.all([
      forward(child.stdout, channel, frameKind.stdout),
      forward(child.stderr, channel, frameKind.stderr),
    ]);
    await writeJson(channel.socket, { exitCode: await ended });
  } finally {
    relayPort?.close();
  }
}

async function requireFolder(path: string, name: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isDirectory()) throw new KeeperError(404, "GIT_REPO_NOT_FOUND", `not a git repository: ${name}`);
}

function endGroup(pid: number): void {
  killGroup(pid, "SIGTERM");
  setTimeout(() => killGroup(pid, "SIGKILL"), graceMs).unref();
}

function gitEnvironment(settings: KeeperSettings, path: string, extra: Record<string, string>): Record<string, string> {
  return {
    // Merges need an email address; git's own guess fails on a host name without a dot.
    EMAIL: "daytona@localhost",
    ...processEnvironment(settings),
    LC_ALL: "C.UTF-8",
    // The path is the repository. A search further up would find a repository that contains this server's state.
    GIT_CEILING_DIRECTORIES: dirname(path),
    // Without isolation it would be this machine's.
    GIT_CONFIG_SYSTEM: "/dev/null",
    // Nobody is there to answer a prompt, so a prompt counts as a refusal.
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_EDITOR: "true",
    GIT_PAGER: "cat",
    // Its remote is a relay's port already.
    DAYTONA_GIT_RELAYED: "1",
    // The daemon has a git of its own, whatever the sandbox's PATH is.
    PATH: settings.path,
    ...extra,
  };
}
