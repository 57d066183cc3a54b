/**
 * What a sandbox serves on a port, on a host name of its own: `{port}-{sandbox id or signed token}.localhost`.
 *
 * Browsers take every name under localhost for this machine and each for an origin of its own, so user code never shares
 * an origin with the API or with another sandbox, and its cookies stay with it. Bodies stream both ways; keys and tokens
 * that opened the door are taken off before user code sees the request. Links of Daytona warn a browser once that what
 * follows is somebody's; here it is always the developer's own, and nothing is warned of.
 */
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from "node:http";
import type { Duplex } from "node:stream";
import { stripCookies, tokenHeader, tokenQuery } from "./access.ts";
import { requireLife, type ServerContext } from "./context.ts";
import { answerPreflight, crossOriginHeaders } from "./cross-origin.ts";
import { HttpError } from "./errors.ts";
import { parseTarget } from "./routes.ts";
import type { Sandbox } from "./sandboxes.ts";

const hostPattern = /^(\d{1,5})-([a-z0-9-]{1,57})\.localhost(?::\d+)?$/i;
/** Ports of the real daemon; a public sandbox doesn't open those. */
const privatePorts = [2280, 22_222, 33_333];
/** Of a program's answer; the real proxy takes ten times as much. */
const maxHeaderBytes = 1024 * 1024;
/** How long a browser that opened a signed address in time may go on (its cookie says the same). */
const cookieGraceMs = 3_600_000;

export interface PreviewHost {
  port: number;
  label: string;
}

export function parsePreviewHost(host: string | undefined): PreviewHost | undefined {
  const [, port, label] = hostPattern.exec(host ?? "") ?? [];
  if (port === undefined || label === undefined) return undefined;
  return { port: Number(port), label: label.toLowerCase() };
}

const toolboxPath = /^\/toolbox\/([^/?]+)\/proxy\/(\d{1,5})(?:[/?]|$)/;

/** A port below the toolbox's address, where the daemon passes requests on. */
export interface ToolboxPort extends PreviewHost {
  /** The path of the sandbox: Daytona's proxy puts it before every `Location` that passes it there. */
  prefix: string;
}

export function parseToolboxPort(request: IncomingMessage): ToolboxPort | undefined {
  const [, label, port] = toolboxPath.exec(request.url ?? "") ?? [];
  if (label === undefined || port === undefined) return undefined;
  return { port: Number(port), label, prefix: `/toolbox/${label}` };
}

interface Door {
  sandbox: Sandbox;
  target: string;
  /** Of a port below the toolbox's address. */
  prefix?: string;
  setCookie: string | undefined;
  keepAuthorization: boolean;
  crossOrigin: [string, string][];
}

function openDoor(request: IncomingMessage, host: PreviewHost, context: ServerContext): Door {
  if (host.port < 1 || host.port > 65_535) throw new HttpError(404, "Not Found");
  const url = parseTarget(request, "http://preview.invalid");
  const byToken = findSigned(host, context);
  const sandbox = byToken?.sandbox ?? context.sandboxes.byId(host.label);
  if (!sandbox) throw new HttpError(401, "this preview does not exist or has expired");
  const { access } = context;
  const byLink = access.hasToken(request, url, sandbox);
  const byCookie = access.hasCookie(request, sandbox);
  const isOpen = sandbox.record.public && !privatePorts.includes(host.port);
  const byPreview = byLink || byCookie || isOpen || byToken?.valid === true;
  // A key is looked at last: an application behind a preview may have an Authorization header of its own.
  if (!byPreview && !access.hasKey(request)) {
    throw new HttpError(401, byToken ? "this preview has expired" : "this preview needs a token");
  }
  const hasQuery = url.searchParams.has(tokenQuery);
  const wantsCookie = !byCookie && (byToken?.valid === true || (byLink && hasQuery));
  url.searchParams.delete(tokenQuery);
  return {
    sandbox,
    // As it came, unless something had to be taken out: parsing would tidy up dots and escapes that mean something there.
    target: hasQuery ? url.pathname + url.search : (request.url ?? "/"),
    setCookie: wantsCookie ? access.cookie(sandbox) : undefined,
    crossOrigin: crossOriginHeaders(request),
    keepAuthorization: byPreview && !access.carriesKnownKey(request),
  };
}

/** A key or the sandbox's token opens it, in that order; only what opened it is taken off. */
function openToolboxPort(request: IncomingMessage, place: ToolboxPort, context: ServerContext): Door {
  const url = parseTarget(request, context.origin());
  const { access } = context;
  const sandbox = context.sandboxes.byId(place.label);
  const byToken = sandbox !== undefined && access.hasToken(request, url, sandbox);
  if (!byToken && !access.hasKey(request)) throw new HttpError(401, "Unauthorized");
  if (!sandbox) throw new HttpError(404, `Sandbox with ID or name ${place.label} not found`);
  const path = (request.url ?? "").slice(`${place.prefix}/proxy/${place.port}`.length);
  return {
    sandbox,
    target: path.startsWith("/") ? path : `/${path}`,
    prefix: place.prefix,
    setCookie: undefined,
    crossOrigin: crossOriginHeaders(request),
    keepAuthorization: byToken && !access.carriesKnownKey(request),
  };
}

function enter(request: IncomingMessage, place: PreviewHost | ToolboxPort, context: ServerContext): Door {
  return "prefix" in place ? openToolboxPort(request, place, context) : openDoor(request, place, context);
}

function findSigned(host: PreviewHost, context: ServerContext): { sandbox: Sandbox; valid: boolean } | undefined {
  const now = Date.now();
  for (const sandbox of context.sandboxes.all()) {
    const signed = sandbox.record.signedPreviews.find(({ token, port }) => token === host.label && port === host.port);
    if (signed && signed.expiresAt + cookieGraceMs > now) return { sandbox, valid: signed.expiresAt > now };
  }
  return undefined;
}

/** Headers between two neighbours only. `upgrade` and `connection` are set anew where a WebSocket passes. */
const hopHeaders = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "transfer-encoding",
  "te",
  "upgrade",
];

/** Of the way here, not for user code. */
const controlHeaders = [
  "x-daytona-skip-last-activity-update",
  "x-daytona-disable-cors",
  "x-daytona-skip-preview-warning",
];

function requestHeaders(request: IncomingMessage, door: Door): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = { ...request.headers };
  for (const name of [...hopHeaders, ...controlHeaders, tokenHeader, "expect"]) delete headers[name];
  // Without it a body of unknown length would follow a head that promises none.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  if (!door.keepAuthorization) delete headers.authorization;
  const cookies = stripCookies(headers.cookie ?? "");
  if (cookies === "") delete headers.cookie;
  else headers.cookie = cookies;
  // Who asks below the toolbox's address says for whom.
  if (door.prefix !== undefined) return headers;
  headers["x-forwarded-host"] = request.headers.host;
  headers["x-forwarded-proto"] = "http";
  return headers;
}

async function reach(
  request: IncomingMessage,
  host: PreviewHost,
  door: Door,
  context: ServerContext,
): Promise<ClientRequest> {
  const connection = await requireLife(door.sandbox).container.join(host.port);
  if (request.headers["x-daytona-skip-last-activity-update"] !== "true") context.sandboxes.touch(door.sandbox);
  const headers = requestHeaders(request, door);
  // The daemon asks for the port itself.
  if (door.prefix !== undefined) headers.host = `localhost:${host.port}`;
  if (request.headers.upgrade) Object.assign(headers, { connection: "Upgrade", upgrade: request.headers.upgrade });
  else headers.connection = "close";
  return send({
    method: request.method,
    path: door.target,
    headers,
    setHost: false,
    maxHeaderSize: maxHeaderBytes,
    // One connection into the sandbox for each request: nothing is shared, nothing is left over. (No `agent: false`: it
    // makes an agent, which ignores the connection given here.)
    createConnection: () => connection,
  });
}

function answerHeaders(response: IncomingMessage, door: Door): (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const [name, value] = [response.rawHeaders[index] ?? "", response.rawHeaders[index + 1] ?? ""];
    if (hopHeaders.includes(name.toLowerCase())) continue;
    pairs.push([name, name.toLowerCase() === "location" ? placeLocation(value, door) : value]);
  }
  // What an application says about its own origins stands.
  if (response.headers["access-control-allow-origin"] === undefined) pairs.push(...door.crossOrigin);
  if (door.setCookie !== undefined) pairs.push(["Set-Cookie", door.setCookie]);
  return pairs;
}

function placeLocation(location: string, { prefix = "" }: Door): string {
  return location.startsWith(prefix) ? location : prefix + location;
}

export async function servePreview(
  request: IncomingMessage,
  response: ServerResponse,
  host: PreviewHost | ToolboxPort,
  context: ServerContext,
): Promise<void> {
  if (answerPreflight(request, response)) return;
  const door = enter(request, host, context);
  const upstream = await reach(request, host, door, context);
  await new Promise<void>((resolve, reject) => {
    upstream.once("error", () => {
      if (response.headersSent) response.destroy();
      reject(new HttpError(502, `the server on port ${host.port} broke the connection`));
    });
    upstream.once("response", (answer) => {
      try {
        passAnswer(answer, response, door);
      } catch {
        // A status or header that HTTP doesn't know, by accident or on purpose.
        upstream.destroy();
        reject(new HttpError(502, `the server on port ${host.port} sent a malformed answer`));
      }
    });
    response.once("close", () => {
      upstream.destroy();
      resolve();
    });
    request.on("error", () => upstream.destroy());
    request.pipe(upstream);
  });
}

function passAnswer(answer: IncomingMessage, response: ServerResponse, door: Door): void {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answerHeaders(answer, door).flat());
  // Sent at once: an event stream has a head long before it has a body.
  response.flushHeaders();
  answer.on("error", () => response.destroy());
  answer.once("aborted", () => response.destroy());
  answer.pipe(response);
}

/** A WebSocket: the handshake goes through with its headers, then bytes both ways. */
export async function upgradePreview(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  host: PreviewHost | ToolboxPort,
  context: ServerContext,
): Promise<void> {
  const door = enter(request, host, context);
  const upstream = await reach(request, host, door, context);
  await new Promise<void>((resolve, reject) => {
    upstream.once("error", () => reject(new HttpError(502, `the server on port ${host.port} broke the connection`)));
    upstream.once("response", (answer) => {
      // Not an upgrade after all: the answer is passed on, and the connection with it ends.
      socket.write(spellHead(answer, [...answerHeaders(answer, door), ["Connection", "close"]]));
      answer.pipe(socket);
      resolve();
    });
    upstream.once("upgrade", (answer, inner, innerHead) => {
      const upgrade = [
        ["Connection", "Upgrade"],
        ["Upgrade", answer.headers.upgrade ?? "websocket"],
      ] as const;
      socket.write(spellHead(answer, [...answerHeaders(answer, door), ...upgrade]));
      if (innerHead.length > 0) socket.write(innerHead);
      if (head.length > 0) inner.write(head);
      joinStreams(socket, inner);
      resolve();
    });
    socket.once("close", () => upstream.destroy());
    upstream.end();
  });
}

function spellHead(answer: IncomingMessage, headers: (readonly [string, string])[]): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${lines}\r\n`;
}

function joinStreams(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
}
