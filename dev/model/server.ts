// The scripted demo model as a server: OpenAI's chat completions on plain `node:http`. Its next message depends on the
// request's messages alone (see `decide`), so it survives restarts and serves any client. Between requests it stores
// only how often a fault has happened that a test wants N times.
import { createHash, timingSafeEqual } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Content, loadContent } from "./content.ts";
import { decide } from "./decide.ts";
import type { Faults, Reply } from "./reply.ts";
import { deliver, MODEL } from "./stream.ts";
import { type ChatRequest, RequestError, readRequest } from "./wire.ts";
import { readDialect, writeDialect } from "./xml.ts";

// The longest conversation of a demo is under 1 MiB; anything larger is not one.
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;
// About the pace of a fast model of 2026; slow enough to read along.
const DEFAULT_TOKENS_PER_SECOND = 90;

export interface ModelOptions {
  /** 0 chooses a free one. */
  port: number;
  /** The only accepted key. Without it any key is accepted, and none is required. */
  apiKey?: string;
  /** 0 is full speed. */
  tokensPerSecond?: number;
  /** Whether `reasoning_content` is sent. */
  reasoning?: boolean;
  /** For tests: replaces the script's reply where it returns one. `count` is 1 for the first request. */
  intercept?: (request: ChatRequest, count: number) => Reply | undefined;
}

export interface RunningModel {
  port: number;
  /** For `OPENAI_BASE_URL`. */
  baseUrl: string;
  close: () => Promise<void>;
}

interface Setting {
  options: ModelOptions;
  content: Content;
  count: number;
  /** How often faults with a limit have happened, by the hash of their name. */
  failed: Map<string, number>;
}

// More than a test file uses. The oldest are forgotten, and would happen again.
const MAX_COUNTED = 10_000;

export async function startModel(options: ModelOptions): Promise<RunningModel> {
  const setting: Setting = { options, content: await loadContent(), count: 0, failed: new Map() };
  const server = http.createServer((request, response) => {
    handle(setting, request, response).catch((error: unknown) => fail(response, error));
  });
  server.requestTimeout = BODY_TIMEOUT_MS;
  server.headersTimeout = BODY_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(setting: Setting, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (!hasKey(setting.options, request)) return sendFault(request, response, 401, {});
  if (path === "/v1/chat/completions") {
    if (request.method === "POST") return complete(setting, request, response);
  } else if (path === "/v1/models") {
    if (request.method === "GET") return sendJson(response, 200, { object: "list", data: [model] });
  } else if (path.startsWith("/v1/models/")) {
    if (path.slice("/v1/models/".length) === MODEL && request.method === "GET") return sendJson(response, 200, model);
    return sendError(response, 404, "The model does not exist.", { code: "model_not_found", param: "model" });
  } else {
    return sendError(response, 404, `Unknown request URL: ${request.method} ${path}`, { code: "unknown_url" });
  }
  return sendError(response, 405, `Not allowed to ${request.method} on ${path}`, { code: "method_not_supported" });
}

function hasKey({ apiKey }: ModelOptions, { headers }: IncomingMessage): boolean {
  if (apiKey === undefined) return true;
  const [given, wanted] = [headers.authorization ?? "", `Bearer ${apiKey}`].map((text) => Buffer.from(text));
  return (
    given !== undefined && wanted !== undefined && given.length === wanted.length && timingSafeEqual(given, wanted)
  );
}

const model = { id: MODEL, object: "model", created: 1_790_000_000, owned_by: "taskloom" };

async function complete(setting: Setting, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Registered before the body is read: a client may disconnect at any time.
  const left = new AbortController();
  response.once("close", () => left.abort());
  const body = await readBody(request);
  if (body === null) {
    // Reads on, so that the client gets the response rather than a reset.
    request.resume();
    return sendError(response, 413, `The body is larger than ${MAX_BODY_BYTES} bytes.`, { code: "request_too_large" });
  }
  const chat = readDialect(readRequest(parse(body)));
  const { options, content } = setting;
  setting.count += 1;
  const decided = options.intercept?.(chat, setting.count) ?? decide(chat, content);
  const written = chat.writes_xml ? writeDialect(decided) : decided;
  const reply = { ...written, faults: takeFaults(setting, decided.faults) };
  if (reply.faults?.status !== undefined) return sendFault(request, response, reply.faults.status, reply.faults);
  await deliver({
    request: chat,
    reply: options.reasoning === false ? { ...reply, reasoning: undefined } : reply,
    response,
    tokens_per_second: options.tokensPerSecond ?? DEFAULT_TOKENS_PER_SECOND,
    gone: left.signal,
  });
}

/** The faults of this request; none where they have happened as often as requested. */
function takeFaults({ failed }: Setting, faults: Faults | undefined): Faults | undefined {
  if (faults?.times === undefined) return faults;
  const key = createHash("sha256").update(faults.times.name).digest("base64");
  const count = failed.get(key) ?? 0;
  if (count >= faults.times.max) return undefined;
  failed.set(key, count + 1);
  for (const oldest of failed.keys()) if (failed.size > MAX_COUNTED) failed.delete(oldest);
  return faults;
}

/** Null where the body is too large; data beyond the limit is not stored. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new RequestError("We could not parse the JSON body of your request.", null);
  }
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) response.destroy();
  else if (error instanceof RequestError) sendError(response, 400, error.message, { param: error.param });
  else {
    console.error("scripted model:", error);
    sendError(response, 500, "The scripted model failed on this request.", { type: "server_error" });
  }
}

const faultTypes: Record<number, { type: string; code: string; message: string }> = {
  400: { type: "invalid_request_error", code: "context_length_exceeded", message: "The context is too long." },
  401: { type: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided." },
  404: { type: "invalid_request_error", code: "model_not_found", message: "The model does not exist." },
  429: { type: "rate_limit_error", code: "rate_limit_exceeded", message: "Rate limit reached." },
};

function sendFault(request: IncomingMessage, response: ServerResponse, status: number, faults: Faults): void {
  if (faults.retry_after !== undefined) response.setHeader("retry-after", String(faults.retry_after));
  const usual = { type: "server_error", code: "server_error", message: "The server had an error." };
  const { message, ...shape } = faultTypes[status] ?? usual;
  // Servers quote the key that they reject, some of them completely.
  const quoted = status === 401 ? `${message} You sent: ${request.headers.authorization}` : message;
  sendError(response, status, quoted, shape);
}

function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  shape: { type?: string; code?: string; param?: string | null },
): void {
  const { type = "invalid_request_error", code = null, param = null } = shape;
  sendJson(response, status, { error: { message, type, param, code } });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
