/**
 * Addresses of a sandbox that need no API key: previews and signed previews.
 */
import { randomBytes } from "node:crypto";
import { sendEmpty, sendJson } from "./bodies.ts";
import type { ServerContext } from "./context.ts";
import { type Exchange, type Handler, integerParameter, parameter, query } from "./routes.ts";
import type { Sandbox } from "./sandboxes.ts";

const defaultPreviewSeconds = 60;
const maxPreviewSeconds = 86_400;
const maxSignedPreviews = 200;

export const addressRoutes: Record<string, Handler<ServerContext>> = {
  "GET /sandbox/{id}/toolbox-proxy-url": (exchange, context) => {
    find(exchange, context);
    sendJson(exchange.response, 200, { url: `${context.origin()}/toolbox` });
  },
  "GET /sandbox/{id}/ports/{port}/preview-url": previewUrl,
  "GET /sandbox/{id}/ports/{port}/signed-preview-url": signedPreviewUrl,
  "POST /sandbox/{id}/ports/{port}/signed-preview-url/{token}/expire": expireSignedPreview,
};

function find(exchange: Exchange, context: ServerContext): Sandbox {
  return context.sandboxes.require(parameter(exchange, "id"));
}

function readPort(exchange: Exchange): number {
  return integerParameter(exchange.parameters.port, "port", 1, 65_535);
}

function previewUrl(exchange: Exchange, context: ServerContext): void {
  const { record } = find(exchange, context);
  const url = context.previewUrl(readPort(exchange), record.id);
  sendJson(exchange.response, 200, { sandboxId: record.id, url, token: record.authToken });
}

async function signedPreviewUrl(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = find(exchange, context);
  const port = readPort(exchange);
  const wanted = query(exchange, "expiresInSeconds");
  const seconds =
    wanted === undefined ? defaultPreviewSeconds : integerParameter(wanted, "expiresInSeconds", 1, maxPreviewSeconds);
  const token = makeLabel();
  const now = Date.now();
  const { record } = sandbox;
  // Expired entries are kept for a while: a browser that opened one in time still has its cookie.
  record.signedPreviews = record.signedPreviews
    .filter((preview) => preview.expiresAt + 3_600_000 > now)
    .slice(1 - maxSignedPreviews);
  record.signedPreviews.push({ token, port, expiresAt: now + seconds * 1000 });
  await context.sandboxes.save(sandbox);
  sendJson(exchange.response, 200, { sandboxId: record.id, port, token, url: context.previewUrl(port, token) });
}

/** Host names are case-insensitive, so the label encodes 130 random bits in base 32. */
function makeLabel(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from(randomBytes(26), (byte) => letters.charAt(byte % letters.length)).join("");
}

async function expireSignedPreview(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = find(exchange, context);
  const [port, token] = [readPort(exchange), parameter(exchange, "token")];
  const { record } = sandbox;
  record.signedPreviews = record.signedPreviews.filter((preview) => preview.token !== token || preview.port !== port);
  await context.sandboxes.save(sandbox);
  sendEmpty(exchange.response, 200);
}
