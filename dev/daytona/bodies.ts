/**
 * Reads request bodies and writes responses, both bounded.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./errors.ts";

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
