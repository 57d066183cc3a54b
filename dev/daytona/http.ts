/**
 * What every route shares: tables of routes, bounded bodies, and Daytona's two formats of errors: the API's, and the
 * toolbox's. A daemon of 0.190 does not name itself in a refusal, so the SDK knows it by its status alone, and a client
 * can't tell it from the proxy's.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";

/** The proxy's message for a toolbox whose sandbox is not started. */
export const notStartedMessage =
  "failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?";

/** apps/proxy/pkg/proxy/auth.go: the same for an unknown key and for a sandbox that does not exist. */
export const invalidKeyMessage = "authentication failed: Bearer token is invalid";
export const missingKeyMessage =
  "missing authentication: provide a preview access token (via header, query parameter, or cookie) or use an API key or JWT";

export class HttpError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** The proxy in front of the sandboxes refused, so the daemon was not reached. */
  readonly isOfProxy: boolean;

  constructor(status: number, message: string, code?: string, { isOfProxy = false } = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.isOfProxy = isOfProxy;
  }
}

export function refuseAtProxy(status: number, message: string): HttpError {
  return new HttpError(status, message, undefined, { isOfProxy: true });
}

/** Internal failures (a bug, a full disk) are reported without details. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC") return new HttpError(500, "no space left on the device of the state directory");
  return new HttpError(500, "Internal server error");
}

export function apiErrorBody(error: HttpError, path: string): Record<string, unknown> {
  return {
    path,
    timestamp: new Date().toISOString(),
    statusCode: error.status,
    error: STATUS_CODES[error.status] ?? "Error",
    message: error.message,
  };
}

const genericCodes: Record<number, string> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  408: "REQUEST_TIMEOUT",
  409: "CONFLICT",
  410: "GONE",
  422: "UNPROCESSABLE_ENTITY",
};

export function toolboxErrorBody(error: HttpError, method: string, path: string): Record<string, unknown> {
  return {
    statusCode: error.status,
    message: error.message,
    code: error.code ?? genericCodes[error.status] ?? "INTERNAL_SERVER_ERROR",
    // Git's codes are those of newer daemons, which name themselves.
    ...(path.includes("/git/") && !error.isOfProxy ? { source: "DAYTONA_DAEMON" } : {}),
    timestamp: new Date().toISOString(),
    path,
    method,
  };
}

/** The largest JSON that clients send is a command with a heredoc in it. */
const maxJsonBytes = 8 * 1024 * 1024;

export type Json = Record<string, unknown>;

/**
 * The SDK sends `start`, `stop` and others as an empty form, so an empty body counts as `{}` whatever its content type.
 */
export async function readJson(request: IncomingMessage): Promise<Json> {
  const text = (await readBody(request, maxJsonBytes)).toString("utf8");
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpError(400, "Request body is not valid JSON", "INVALID_REQUEST_BODY");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(400, "Request body must be a JSON object", "INVALID_REQUEST_BODY");
  }
  return value as Json;
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) throw new HttpError(413, `Request body exceeds ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": body.length });
  response.end(body);
}

/**
 * Up to this size a rejected body is read to its end first: a client that is cut off while it sends may never see why.
 */
const drainedBytes = 64 * 1024;
const drainMs = 1_000;

/**
 * Sends an error. If a response has begun, cuts the connection instead, so that the response can't be taken for
 * complete.
 */
/** Null is an empty body. */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const answer = (): void => {
    if (response.headersSent || response.destroyed) return;
    // An unread body would block the next request on this connection.
    if (!request.complete) response.setHeader("connection", "close");
    if (body === null) sendEmpty(response, status);
    else sendJson(response, status, body);
  };
  if (request.complete || request.destroyed || !(Number(request.headers["content-length"]) <= drainedBytes)) {
    answer();
    return;
  }
  const timer = setTimeout(answer, drainMs);
  request.once("close", () => clearTimeout(timer)).once("close", answer);
  request.once("end", answer).resume();
}

export function sendEmpty(response: ServerResponse, status: number): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, status === 204 ? {} : { "content-length": 0 });
  response.end();
}

/** Resolves when the response accepts more data or is closed. */
export async function writeBody(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  if (response.destroyed || response.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.on("drain", settle);
    response.on("close", settle);
  });
}

export function requireText(body: Json, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new HttpError(400, `${name} is required and must be a string`);
  return value;
}

export function optionalText(body: Json, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new HttpError(400, `${name} must be a string`);
  return value;
}

export function optionalInteger(body: Json, name: string, minimum: number): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value) || Number(value) < minimum) {
    throw new HttpError(400, `${name} must be an integer of at least ${minimum}`);
  }
  return Number(value);
}

export function optionalFlag(body: Json, name: string): boolean {
  const value = body[name];
  if (value !== undefined && value !== null && typeof value !== "boolean") {
    throw new HttpError(400, `${name} must be a boolean`);
  }
  return value === true;
}

export function optionalTexts(body: Json, name: string): string[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    throw new HttpError(400, `${name} must be an array of strings`);
  }
  return value as string[];
}

export function optionalTextMap(body: Json, name: string): Record<string, string> {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value) || Object.values(value).some((v) => typeof v !== "string")) {
    throw new HttpError(400, `${name} must be an object of strings`);
  }
  return value as Record<string, string>;
}

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  parameters: Record<string, string>;
  /** The state that the API reports instead of the true one, where a fault sets it. */
  reportedState?: string | undefined;
}

export type Handler<Context> = (exchange: Exchange, context: Context) => Promise<void> | void;

interface Route<Context> {
  method: string;
  segments: string[];
  handler: Handler<Context>;
}

export class Routes<Context> {
  readonly #routes: Route<Context>[];

  constructor(table: Record<string, Handler<Context>>) {
    this.#routes = Object.entries(table).map(([key, handler]) => {
      const [method = "", path = ""] = key.split(" ");
      return { method, segments: path.split("/").slice(1), handler };
    });
  }

  /** Finds the handler of a path (without the table's prefix), with its parameters decoded. */
  find(method: string, path: string): { handler: Handler<Context>; parameters: Record<string, string> } | undefined {
    const segments = path.split("/").slice(1);
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      const parameters = matchSegments(route.segments, segments);
      if (parameters) return { handler: route.handler, parameters };
    }
    return undefined;
  }
}

function matchSegments(pattern: string[], segments: string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (part.startsWith("{")) parameters[part.slice(1, -1)] = decodeSegment(segment);
    else if (part !== segment) return undefined;
  }
  return parameters;
}

export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, "malformed path");
  }
}

/** Concatenated as text: a path such as `//x/y` must not become a host. */
export function parseTarget(request: IncomingMessage, origin: string): URL {
  const target = request.url ?? "/";
  if (!target.startsWith("/") || !URL.canParse(origin + target)) throw new HttpError(400, "malformed request target");
  return new URL(origin + target);
}

export function parameter(exchange: Exchange, name: string): string {
  const value = exchange.parameters[name];
  if (value === undefined || value === "") throw new HttpError(404, "Not Found");
  return value;
}

export function query(exchange: Exchange, name: string): string | undefined {
  return exchange.url.searchParams.get(name) ?? undefined;
}

export function requireQuery(exchange: Exchange, name: string): string {
  const value = query(exchange, name);
  if (value === undefined || value === "") throw new HttpError(400, `${name} is required`);
  return value;
}

export function integerParameter(text: string | undefined, name: string, minimum: number, maximum: number): number {
  const value = text !== undefined && /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < minimum || value > maximum) {
    throw new HttpError(400, `${name} must be an integer from ${minimum} to ${maximum}`);
  }
  return value;
}
