/**
 * Runs `git` once in a folder of the sandbox.
 *
 * Hooks, filters and configuration of a repository are code that the sandbox chose, so git runs inside and never
 * outside. The server receives git's output as frames and parses it. A run that needs a remote gets a relay port on the
 * loopback interface.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import {
  answer,
  type Channel,
  frameKind,
  KeeperError,
  type Request,
  readText,
  readTexts,
  readVariables,
  writeJson,
} from "./channel.ts";
import { awaitEnd, forward, groups, killGroup } from "./commands.ts";
import { helperSocket, type KeeperSettings, processEnvironment, resolvePath } from "./settings.ts";

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

/** git opens one or two at a time. */
const maxConnections = 16;
/** How long an announced connection waits for the server to request it. */
const pickUpMs = 10_000;

interface Waiting {
  socket: Socket;
  timer: NodeJS.Timeout;
}

const waiting = new Map<number, Waiting>();
let lastNumber = 0;

interface RelayPort {
  /** Where the repository is, as git gets it. */
  base: string;
  /** git arguments that route requests through the port, for this run only: nothing of it is stored. */
  args: string[];
  close(): void;
}

/** Opens a relay port for one address, which stays the remote's address in the repository. */
async function openRelayPort(
  channel: Channel,
  address: string,
  announce = (number: number): unknown => writeJson(channel.socket, { connection: number }),
): Promise<RelayPort> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    lastNumber += 1;
    const number = lastNumber;
    const timer = setTimeout(() => socket.destroy(), pickUpMs);
    sockets.add(socket);
    waiting.set(number, { socket, timer });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(timer);
      waiting.delete(number);
      sockets.delete(socket);
    });
    void announce(number);
  });
  server.maxConnections = maxConnections;
  const port = await listen(server);
  const base = `http://127.0.0.1:${port}/repository`;
  return {
    base,
    args: [
      // Rewrites the push address too, since the sandbox's own rules could.
      ...["-c", `url.${base}.insteadOf=${address}`, "-c", `url.${base}.pushInsteadOf=${address}`],
      // An empty proxy means none, whatever the environment says.
      ...["-c", "http.proxy=", "-c", "http.followRedirects=false"],
      // Credential helpers and hooks could use the port as long as it is open, and nobody asked for them.
      ...["-c", "credential.helper=", "-c", "core.hooksPath=/dev/null"],
    ],
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Hands a connection to the server: after the reply, the channel carries its bytes. */
export async function joinConnection(channel: Channel, request: Request): Promise<void> {
  const number = Number(request.connection);
  const { socket, timer } = waiting.get(number) ?? {};
  if (!socket) throw new KeeperError(404, "NOT_FOUND", "there is no such connection");
  clearTimeout(timer);
  waiting.delete(number);
  await answer(channel, {});
  channel.reader.release();
  socket.once("close", () => channel.socket.destroySoon());
  channel.socket.once("close", () => socket.destroy());
  channel.socket.pipe(socket).pipe(channel.socket);
  await new Promise<void>((resolve) => {
    channel.socket.once("close", () => resolve());
  });
}

interface Helper {
  socket: Socket;
  /** Waits for the helper's next line. */
  answer: ((login: Record<string, unknown>) => void) | undefined;
}

const helpers = new Map<number, Helper>();
let lastId = 0;

/** Serves helpers for as long as the server listens on this channel. */
export async function serveRelays(channel: Channel): Promise<void> {
  rmSync(helperSocket, { force: true });
  const server = createServer((socket) => void serveHelper(channel, socket));
  server.on("error", () => {});
  server.maxConnections = 32;
  server.listen(helperSocket);
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next());
  server.close();
}

/** The login that git has for the remote; empty if it has none. */
export async function askForLogin(request: Request): Promise<Record<string, unknown>> {
  const helper = helpers.get(Number(request.relay));
  if (!helper) throw new KeeperError(404, "NOT_FOUND", "there is no such relay");
  return new Promise((resolve) => {
    helper.answer = resolve;
    helper.socket.once("close", () => resolve({}));
    helper.socket.write(`${JSON.stringify({ login: true })}\n`);
  });
}

async function serveHelper(channel: Channel, socket: Socket): Promise<void> {
  lastId += 1;
  const id = lastId;
  const helper: Helper = { socket, answer: undefined };
  helpers.set(id, helper);
  let close = (): void => {};
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    helpers.delete(id);
    close();
    void writeJson(channel.socket, { close: id });
  });
  const lines = createInterface({ input: socket });
  for await (const line of lines) {
    const said = parseLine(line);
    if (typeof said.address !== "string") {
      helper.answer?.(said);
      continue;
    }
    await writeJson(channel.socket, { open: id, address: said.address });
    const port = await openRelayPort(channel, said.address, (connection) =>
      writeJson(channel.socket, { relay: id, connection }),
    );
    close = port.close;
    if (socket.destroyed) close();
    socket.write(`${JSON.stringify({ base: port.base })}\n`);
  }
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
