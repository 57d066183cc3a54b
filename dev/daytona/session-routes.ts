/**
 * The toolbox's sessions over HTTP, and the logs of a running command over a WebSocket.
 */
import type { WebSocket } from "ws";
import { optionalFlag, optionalText, readJson, requireText, sendEmpty, sendJson } from "./bodies.ts";
import type { CommandLog } from "./command-log.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { sendLog } from "./log-answer.ts";
import { requireCommands } from "./process-routes.ts";
import { type Exchange, type Handler, parameter } from "./routes.ts";
import { type Command, requireCommand, runCommand, type Session } from "./sessions.ts";

/** The SDK copies its buffer once per line of a frame, so small frames keep it fast. */
const frameBytes = 8 * 1024;
const maxSessionIdCharacters = 256;

export const sessionRoutes: Record<string, Handler<ToolboxContext>> = {
  "GET /process/session": (exchange, { life }) =>
    sendJson(exchange.response, 200, life.sessions.all().map(describeSession)),
  "POST /process/session": createSession,
  "GET /process/session/{session}": (exchange, context) =>
    sendJson(exchange.response, 200, describeSession(findSession(exchange, context))),
  "DELETE /process/session/{session}": async (exchange, { life }) => {
    await life.sessions.delete(parameter(exchange, "session"));
    sendEmpty(exchange.response, 204);
  },
  "POST /process/session/{session}/exec": executeInSession,
  "GET /process/session/{session}/command/{command}": (exchange, context) =>
    sendJson(exchange.response, 200, describeCommand(findCommand(exchange, context))),
  "GET /process/session/{session}/command/{command}/logs": (exchange, context) =>
    sendLog(exchange.response, findCommand(exchange, context).log),
  "POST /process/session/{session}/command/{command}/input": async (exchange, context) => {
    const { data } = await readJson(exchange.request);
    if (typeof data !== "string") throw new HttpError(400, "data must be a string");
    await context.life.sessions.sendInput(findSession(exchange, context), findCommand(exchange, context), data);
    sendEmpty(exchange.response, 204);
  },
};

function findSession(exchange: Exchange, context: ToolboxContext): Session {
  return context.life.sessions.require(parameter(exchange, "session"));
}

function findCommand(exchange: Exchange, context: ToolboxContext): Command {
  return requireCommand(findSession(exchange, context), parameter(exchange, "command"));
}

function describeSession(session: Session): Record<string, unknown> {
  return { sessionId: session.id, commands: session.numbered.map(describeCommand) };
}

/** Has no exit code while the command runs. */
function describeCommand(command: Command): Record<string, unknown> {
  command.isKnownEnded = command.exitCode !== undefined;
  return { id: command.id, command: command.text, exitCode: command.exitCode };
}

async function createSession(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const id = requireText(await readJson(exchange.request), "sessionId");
  requireCommands(context);
  if (id.length > maxSessionIdCharacters) throw new HttpError(400, "sessionId is too long");
  await context.life.sessions.create(id);
  sendEmpty(exchange.response, 201);
}

async function executeInSession(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  requireCommands(context);
  const text = optionalText(body, "command") ?? "";
  if (text.trim() === "") throw new HttpError(400, "command cannot be empty");
  // The daemon wraps this failure, and so loses its status.
  const session = context.life.sessions.find(parameter(exchange, "session"));
  if (!session) throw new HttpError(500, "failed to execute command: session not found");
  const runsAsync = optionalFlag(body, "runAsync") || optionalFlag(body, "async");
  const command = await runCommand(session, text, {
    takesInput: runsAsync,
    echoesInput: runsAsync && !optionalFlag(body, "suppressInputEcho"),
  });
  if (runsAsync) {
    sendJson(exchange.response, 202, { cmdId: command.id, exitCode: null, output: null, stdout: null, stderr: null });
    return;
  }
  // Waits without a limit, as the real daemon does: a command that ends its own shell (`exit`) keeps its caller
  // waiting.
  await command.finished;
  command.isKnownEnded = true;
  await sendLog(exchange.response, command.log, { cmdId: command.id, exitCode: command.exitCode });
}

/**
 * Sends the log from its beginning, then as it grows, at the reader's own pace. The close frame reports that the
 * command has ended.
 */
export async function followLog(socket: WebSocket, log: CommandLog): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  socket.on("error", () => gone.abort());
  for (let position = 0; !gone.signal.aborted; ) {
    // Read before the data: output that arrives meanwhile wakes the wait that follows.
    const { finished, size } = log;
    if (position < size) {
      const piece = await log.read(position, frameBytes);
      if (piece.length === 0) break;
      position += piece.length;
      await sendPiece(socket, piece);
    } else if (finished) {
      break;
    } else {
      await log.changed(gone.signal);
    }
  }
  socket.close(1000);
}

function sendPiece(socket: WebSocket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.send(piece, { binary: true }, () => resolve());
  });
}
