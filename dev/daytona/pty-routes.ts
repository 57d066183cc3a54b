/**
 * The toolbox's terminals over HTTP: `/process/pty…`. Their data passes through `pty-sockets.ts`.
 */
import { type Json, optionalFlag, optionalText, optionalTextMap, readJson, sendJson } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { checkVariables, requireCommands } from "./process-routes.ts";
import { maxSide } from "./pty-process.ts";
import type { NewPty, PtySession } from "./pty-sessions.ts";
import { type Exchange, type Handler, parameter } from "./routes.ts";

const defaultCols = 80;
const defaultRows = 24;
const maxIdCharacters = 256;
const terminalType = "xterm-256color";

export const ptyRoutes: Record<string, Handler<ToolboxContext>> = {
  "GET /process/pty": (exchange, { life }) =>
    sendJson(exchange.response, 200, { sessions: life.terminals.all().map((session) => describe(session, life)) }),
  "POST /process/pty": create,
  "GET /process/pty/{id}": (exchange, context) =>
    sendJson(exchange.response, 200, describe(requireSession(exchange, context), context.life)),
  "DELETE /process/pty/{id}": (exchange, { life }) => {
    if (!life.terminals.delete(parameter(exchange, "id"))) throw new HttpError(404, "PTY session not found");
    sendJson(exchange.response, 200, { message: "PTY session deleted" });
  },
  "POST /process/pty/{id}/resize": resize,
};

export function readNewPty(body: Json): NewPty {
  const id = optionalText(body, "id") ?? "";
  if (id === "") throw new HttpError(400, "session ID is required");
  if (id.length > maxIdCharacters) throw new HttpError(400, "session ID is too long");
  const variables = checkVariables(optionalTextMap(body, "envs"));
  return {
    id,
    cwd: optionalText(body, "cwd") ?? "",
    variables: { ...variables, TERM: variables.TERM || terminalType },
    cols: readSide(body, "cols") ?? defaultCols,
    rows: readSide(body, "rows") ?? defaultRows,
    lazyStart: optionalFlag(body, "lazyStart"),
  };
}

function readSide(body: Json, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value) || Number(value) < 1) throw new HttpError(400, `invalid value for ${name}`);
  if (Number(value) > maxSide) throw new HttpError(400, `invalid value for ${name} - must be less than ${maxSide}`);
  return Number(value);
}

function describe({ settings, isActive, createdAt }: PtySession, life: ToolboxContext["life"]): Json {
  const { id, cwd, variables, cols, rows, lazyStart } = settings;
  return {
    id,
    cwd: cwd || life.container.workDir,
    envs: variables,
    cols,
    rows,
    createdAt,
    active: isActive,
    lazyStart,
  };
}

function requireSession(exchange: Exchange, { life }: ToolboxContext): PtySession {
  const session = life.terminals.find(parameter(exchange, "id"));
  if (!session) throw new HttpError(404, "PTY session not found");
  return session;
}

async function create(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const settings = readNewPty(await readJson(exchange.request));
  requireCommands(context);
  const session = context.life.terminals.add(settings);
  if (!settings.lazyStart) {
    await session.start().catch((error: unknown) => {
      const reason = error instanceof HttpError ? `: ${error.message}` : "";
      throw new HttpError(500, `failed to start PTY session${reason}`);
    });
  }
  sendJson(exchange.response, 201, { sessionId: settings.id });
}

async function resize(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const [cols, rows] = [readSide(body, "cols"), readSide(body, "rows")];
  if (cols === undefined || rows === undefined) throw new HttpError(400, "cols and rows are required");
  const id = parameter(exchange, "id");
  const session = context.life.terminals.find(id);
  if (!session) throw new HttpError(410, `PTY session ${id} not found`);
  await session.resize(cols, rows);
  sendJson(exchange.response, 200, describe(session, context.life));
}
