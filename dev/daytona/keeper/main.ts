/**
 * The keeper: this server's one process inside a sandbox. It starts commands, accesses files and connects to ports, so
 * all of that happens in the sandbox's namespaces and the server outside handles only bytes.
 *
 * The server writes one token per request to stdin. The keeper then connects to the server's unix socket, sends the
 * token, and serves one request on that connection. (It connects outwards because a socket that the keeper made, in a
 * folder that the sandbox can write to, could be replaced by a link to a socket of the host.) The end of stdin is the
 * end of the server, and therefore of the keeper and of all it started.
 */
import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { answer, type Channel, openChannel, parseJson, type Request, readText, refuse } from "./channel.ts";
import { endExcessProcesses, executeCommand, groups, killGroup, serveStreams } from "./commands.ts";
import {
  createFolder,
  deletePath,
  describePath,
  findInFiles,
  listFiles,
  movePath,
  searchFiles,
  sendFile,
  takeFile,
} from "./files.ts";
import { askForLogin, joinConnection, runGit, serveRelays } from "./git.ts";
import { isPortInUse, joinPort } from "./ports.ts";
import { removeSession, sendInput, serveSession } from "./sessions.ts";
import { changeVariables, type KeeperSettings } from "./settings.ts";
import { endTerminals, resizePty, servePty } from "./terminals.ts";

const lingerMs = 10_000;
/** A fork bomb makes thousands of processes in a second, and counting costs next to nothing. */
const countMs = 500;
const settings = JSON.parse(process.argv[2] ?? "{}") as KeeperSettings;

/** Requests that have one result. */
const answers: Record<string, (request: Request, settings: KeeperSettings) => unknown> = {
  variables: changeVariables,
  list: listFiles,
  info: describePath,
  folder: createFolder,
  delete: deletePath,
  move: movePath,
  search: searchFiles,
  find: findInFiles,
  port: isPortInUse,
  "pty-resize": resizePty,
  "session-input": sendInput,
  "session-remove": (request, settings) => removeSession(settings, readText(request, "session")).then(() => null),
  "git-login": askForLogin,
};

async function serve(channel: Channel, token: string): Promise<void> {
  const frame = await channel.reader.next();
  if (!frame) return;
  const request = parseJson(frame);
  const operation = readText(request, "do");
  try {
    const answerer = answers[operation];
    if (answerer) await answer(channel, await answerer(request, settings));
    else if (operation === "execute") await executeCommand(channel, request, settings);
    else if (operation === "session") await serveSession(channel, request, settings);
    else if (operation === "streams") await serveStreams(channel, request, settings, token);
    else if (operation === "pty") await servePty(channel, request, settings);
    else if (operation === "read") await sendFile(channel, request, settings);
    else if (operation === "write") await answer(channel, await takeFile(channel, request, settings));
    else if (operation === "join") await joinPort(channel, request);
    else if (operation === "git") await runGit(channel, request, settings);
    else if (operation === "relay") await joinConnection(channel, request);
    else if (operation === "git-relays") await serveRelays(channel);
  } catch (error) {
    await refuse(channel, error, readText(request, "path") || readText(request, "source") || undefined);
  }
}

function dial(token: string): void {
  const socket = connect({ path: settings.socket, allowHalfOpen: true });
  const channel = openChannel(socket);
  socket.once("connect", () => {
    socket.write(`${token}\n`);
    void serve(channel, token)
      .catch(() => undefined)
      .finally(() => finish(socket));
  });
}

/** Reads and drops what the server still sends: closing a socket with unread bytes could discard the reply. */
function finish(socket: Socket): void {
  socket.end();
  socket.removeAllListeners("readable");
  socket.resume();
  socket.setTimeout(lingerMs, () => socket.destroy());
}

function end(): void {
  for (const pid of groups) killGroup(pid, "SIGKILL");
  endTerminals();
  process.exit(0);
}

// `pkill node` is a usual way to restart a server and must not hit the keeper, so the keeper has this name.
process.title = "daytona";
mkdirSync(settings.scratch, { recursive: true, mode: 0o700 });
try {
  mkdirSync(`${settings.home}/.daytona`, { recursive: true, mode: 0o755 });
} catch {
  // A command has put something else there, or made the home read-only: sessions then fail, and nothing else.
}
if (settings.maxProcesses > 0) setInterval(() => endExcessProcesses(settings.maxProcesses), countMs);
const tokens = createInterface({ input: process.stdin });
tokens.on("line", dial);
tokens.on("close", end);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
