/**
 * The code interpreter over HTTP and a WebSocket. One socket is one run: the client sends the code, and gets what it
 * prints, what befell it and its end as JSON texts.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { type Json, optionalText, optionalTextMap, readJson, sendJson } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError, toHttpError } from "./errors.ts";
import { type Context, contextsOf } from "./process-interpreters.ts";
import { checkVariables, readTimeout, requireCommands } from "./process-routes.ts";
import { type Exchange, type Handler, parameter } from "./routes.ts";

const executePath = "/process/interpreter/execute";
/** As the SDK documents it. */
const defaultSeconds = 600;
/** The longest that one timer can wait, about 24 days. */
const maxTimerMs = 2 ** 31 - 1;
/** A client that connects and says nothing. */
const orderWaitMs = 30_000;
const maxOrderBytes = 8 * 1024 * 1024;
const maxUnreadBytes = 1024 * 1024;
/** 4008 is what the SDK takes for a timeout. */
const closeCodes = { clean: 1000, refused: 1008, failed: 1011, late: 4008 };

export const interpreterRoutes: Record<string, Handler<ToolboxContext>> = {
  "GET /process/interpreter/context": (exchange, { life }) =>
    sendJson(exchange.response, 200, { contexts: contextsOf(life.container).all().map(describe) }),
  "POST /process/interpreter/context": createContext,
  "DELETE /process/interpreter/context/{id}": (exchange, { life }) => {
    const id = parameter(exchange, "id");
    if (!contextsOf(life.container).delete(id)) throw new HttpError(404, `context ${id} not found`);
    sendJson(exchange.response, 200, { message: "Context deleted" });
  },
};

function describe({ id, cwd, createdAt, isActive }: Context): Json {
  return { id, cwd, language: "python", createdAt, active: isActive };
}

async function createContext(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  requireCommands(context);
  const language = optionalText(body, "language") || "python";
  if (language !== "python") throw new HttpError(400, `language ${language} is not supported: only python is`);
  sendJson(
    exchange.response,
    200,
    describe(await contextsOf(context.life.container).add(optionalText(body, "cwd") ?? "")),
  );
}

const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: maxOrderBytes,
  handleProtocols: (offered) => offered.values().next().value ?? false,
});

/** Whether the path is the interpreter's. */
export function upgradeInterpreter(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { inner, toolbox }: { inner: string; toolbox: ToolboxContext },
): boolean {
  if (inner !== executePath) return false;
  requireCommands(toolbox);
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on("error", () => webSocket.terminate());
    serveRun(webSocket, toolbox).catch((error: unknown) => close(webSocket, closeCodes.failed, error));
  });
  return true;
}

function close(socket: WebSocket, code: number, error: unknown): void {
  // A reason holds 123 bytes.
  socket.close(
    code,
    Buffer.from(toHttpError(error).message)
      .subarray(0, 120)
      .toString("utf8")
      .replace(/\uFFFD$/, ""),
  );
}

async function serveRun(socket: WebSocket, toolbox: ToolboxContext): Promise<void> {
  const end = new AbortController();
  socket.once("close", () => end.abort());
  const text = await readOrder(socket);
  if (text === undefined) return;
  let order: ReturnType<typeof parseOrder>;
  let context: Context;
  try {
    order = parseOrder(text);
    context = await contextsOf(toolbox.life.container).find(order.contextId);
  } catch (error) {
    close(socket, closeCodes.refused, error);
    return;
  }
  let isLate = false;
  const expire = (): void => {
    isLate = true;
    end.abort();
  };
  const timer = order.seconds > 0 ? setTimeout(expire, Math.min(order.seconds * 1000, maxTimerMs)) : undefined;
  const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
  try {
    const outcome = await context.run({
      code: order.code,
      variables: order.variables,
      signal: end.signal,
      print: (stream, bytes) => send(socket, { type: stream, text: decoders[stream].write(bytes) }),
      fail: ({ name, value, traceback }) => void send(socket, { type: "error", name, value, traceback }),
    });
    if (!isLate) await send(socket, { type: "control", text: outcome });
  } finally {
    clearTimeout(timer);
    if (isLate) socket.close(closeCodes.late, `execution timeout after ${order.seconds} seconds`);
  }
  socket.close(closeCodes.clean);
}

function readOrder(socket: WebSocket): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(closeCodes.refused, "no code was sent"), orderWaitMs);
    const settle = (text: string | undefined): void => {
      clearTimeout(timer);
      resolve(text);
    };
    socket.once("message", (data: RawData) => settle(String(data)));
    socket.once("close", () => settle(undefined));
  });
}

function parseOrder(text: string): {
  code: string;
  contextId: string | undefined;
  variables: Record<string, string>;
  seconds: number;
} {
  let body: Json;
  try {
    body = Object(JSON.parse(text)) as Json;
  } catch {
    throw new HttpError(400, "the request is not valid JSON");
  }
  const { code } = body;
  if (typeof code !== "string" || code.trim() === "") throw new HttpError(400, "code is required");
  return {
    code,
    contextId: optionalText(body, "contextId") || undefined,
    variables: checkVariables(optionalTextMap(body, "envs")),
    seconds: (body.timeout ?? null) === null ? defaultSeconds : readTimeout(body.timeout),
  };
}

/** Resolves when the client has taken enough of it. One that has gone takes everything. */
async function send(socket: WebSocket, message: Json): Promise<void> {
  if (message.text === "" || socket.readyState !== WebSocket.OPEN) return;
  await new Promise<void>((resolve) => {
    socket.send(JSON.stringify(message), () => resolve());
    if (socket.bufferedAmount < maxUnreadBytes) resolve();
  });
}
