/**
 * Daytona's proxy: toolboxes below `/toolbox/{sandbox}`, and a sandbox's port on a host name of its own:
 * `{port}-{sandbox id or signed token}.localhost`.
 *
 * Browsers resolve every name under localhost to this machine and treat each as an origin of its own, so user code
 * never shares an origin with the API or with another sandbox, and its cookies stay separate. Bodies stream in both
 * directions. Keys and tokens that authorized a request are removed before user code sees it. Daytona's links warn a
 * browser once that the page is someone else's; here it is always the developer's own, so there is no warning.
 */
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { stripCookies, tokenHeader, tokenQuery } from "./access.ts";
import { fileRoutes } from "./files.ts";
import { gitRoutes } from "./git.ts";
import {
  decodeSegment,
  HttpError,
  invalidKeyMessage,
  missingKeyMessage,
  parseTarget,
  Routes,
  refuse,
  refuseAtProxy,
  toHttpError,
  toolboxErrorBody,
} from "./http.ts";
import { requireLife, type ServerContext, type ToolboxContext } from "./parts.ts";
import { describeAbsent, processRoutes } from "./process-routes.ts";
import type { Sandbox } from "./sandboxes.ts";
import { followLog, requireCommand, sessionRoutes } from "./sessions.ts";
import { ptyRoutes, upgradePty } from "./terminals.ts";

const routes = new Routes<ToolboxContext>({
  ...processRoutes,
  ...ptyRoutes,
  ...sessionRoutes,
  ...fileRoutes,
  ...gitRoutes,
});
const toolboxPrefix = /^\/toolbox\/([^/]+)(\/.*)$/;
const logsPath = /^\/process\/session\/([^/]+)\/command\/([^/]+)\/logs$/;
/** The daemon writes the status of these refusals before it would write the reason. */
const bareRefusals = /^\/toolbox\/[^/]+\/files(?!\/bulk-)/;
const skipActivityHeader = "x-daytona-skip-last-activity-update";

export function isToolboxPath(path: string): boolean {
  return path.startsWith("/toolbox/");
}

function enterToolbox(
  request: IncomingMessage,
  url: URL,
  context: ServerContext,
): { inner: string; toolbox: ToolboxContext } {
  const [, id, inner] = toolboxPrefix.exec(url.pathname) ?? [];
  if (id === undefined || inner === undefined) throw new HttpError(404, "Not Found");
  const sandbox = context.sandboxes.byId(id);
  // An unauthorized client learns nothing about which sandboxes exist.
  const { access } = context;
  const allowed = access.hasKey(request) || (sandbox && access.hasToken(request, url, sandbox));
  if (!allowed) {
    throw refuseAtProxy(401, request.headers.authorization === undefined ? missingKeyMessage : invalidKeyMessage);
  }
  if (!sandbox) throw access.refuseGone(id);
  access.noteValidated(id);
  const toolbox = { ...context, sandbox, life: requireLife(sandbox) };
  if (request.headers[skipActivityHeader] !== "true") context.sandboxes.touch(sandbox);
  url.searchParams.delete(tokenQuery);
  return { inner, toolbox };
}

export async function serveToolbox(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  context: ServerContext,
): Promise<void> {
  let isFromDaemon = false;
  try {
    const { inner, toolbox } = enterToolbox(request, url, context);
    const route = routes.find(request.method ?? "GET", inner);
    if (!route) throw describeAbsent(request.method ?? "GET", inner);
    isFromDaemon = true;
    await route.handler({ request, response, url, parameters: route.parameters }, toolbox);
  } catch (error) {
    const known = toHttpError(error);
    const isBare = isFromDaemon && known.status < 501 && bareRefusals.test(url.pathname);
    const body = isBare ? null : toolboxErrorBody(known, request.method ?? "GET", url.pathname);
    refuse(request, response, known.status, body);
  }
}

const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: 1024 * 1024,
  // Serverless clients offer their version as a subprotocol, and drop a connection that accepts none of those.
  handleProtocols: (offered) => offered.values().next().value ?? false,
});

/** A WebSocket of the toolbox. Throws before the handshake, while HTTP can still respond. */
export function upgradeToolbox(request: IncomingMessage, socket: Duplex, head: Buffer, context: ServerContext): void {
  const url = parseTarget(request, context.origin());
  const { inner, toolbox } = enterToolbox(request, url, context);
  if (upgradePty(request, socket, head, { inner, toolbox })) return;
  const [, session, command] = logsPath.exec(inner) ?? [];
  if (session === undefined || command === undefined) {
    throw new HttpError(501, `a WebSocket on ${inner} is not supported by this server`, "NOT_IMPLEMENTED");
  }
  const { log } = requireCommand(toolbox.life.sessions.require(decodeSegment(session)), decodeSegment(command));
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    followLog(webSocket, log).catch(() => webSocket.terminate());
  });
}

const hostPattern = /^(\d{1,5})-([a-z0-9-]{1,57})\.localhost(?::\d+)?$/i;
/** The real daemon's own ports; a public sandbox doesn't expose those. */
const privatePorts = [2280, 22_222, 33_333];
/** The limit of a program's response headers; the real proxy allows ten times as much. */
const maxHeaderBytes = 1024 * 1024;
/** How long a browser that opened a signed address in time may continue. Its cookie has the same limit. */
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

/** A port below the toolbox's address, where the daemon forwards requests. */
interface ToolboxPort extends PreviewHost {
  /** The path of the sandbox: Daytona's proxy puts it before every `Location` that passes it there. */
  prefix: string;
}

export function parseToolboxPort(request: IncomingMessage): ToolboxPort | undefined {
  const [, label, port] = toolboxPath.exec(request.url ?? "") ?? [];
  if (label === undefined || port === undefined) return undefined;
  return { port: Number(port), label, prefix: `/toolbox/${label}` };
}

interface EntryPoint {
  sandbox: Sandbox;
  target: string;
  /** Set for a port below the toolbox's address. */
  prefix?: string;
  setCookie: string | undefined;
  keepAuthorization: boolean;
  crossOrigin: [string, string][];
}

function openPreview(request: IncomingMessage, host: PreviewHost, context: ServerContext): EntryPoint {
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
  // The key is checked last: an application behind a preview may have its own Authorization header.
  if (!byPreview && !access.hasKey(request)) {
    throw new HttpError(401, byToken ? "this preview has expired" : "this preview needs a token");
  }
  const hasQuery = url.searchParams.has(tokenQuery);
  const wantsCookie =
    !byCookie && (byToken?.valid === true || (byLink && hasQuery && context.rules.queryTokenSetsCookie));
  url.searchParams.delete(tokenQuery);
  return {
    sandbox,
    // The URL is passed unchanged unless a token was removed from it: parsing would normalize dots and escapes.
    target: hasQuery ? url.pathname + url.search : (request.url ?? "/"),
    setCookie: wantsCookie ? access.cookie(sandbox) : undefined,
    crossOrigin: crossOriginHeaders(request),
    keepAuthorization: byPreview && !access.carriesKnownKey(request),
  };
}

/** Either a key or the sandbox's token authorizes the request. Only the one that did is removed. */
function openToolboxPort(request: IncomingMessage, place: ToolboxPort, context: ServerContext): EntryPoint {
  const url = parseTarget(request, context.origin());
  const { access } = context;
  const sandbox = context.sandboxes.byId(place.label);
  const byToken = sandbox !== undefined && access.hasToken(request, url, sandbox);
  if (!byToken && !access.hasKey(request)) throw new HttpError(401, invalidKeyMessage);
  if (!sandbox) throw access.refuseGone(place.label);
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

function enter(request: IncomingMessage, place: PreviewHost | ToolboxPort, context: ServerContext): EntryPoint {
  return "prefix" in place ? openToolboxPort(request, place, context) : openPreview(request, place, context);
}

function findSigned(host: PreviewHost, context: ServerContext): { sandbox: Sandbox; valid: boolean } | undefined {
  const now = Date.now();
  for (const sandbox of context.sandboxes.all()) {
    const signed = sandbox.record.signedPreviews.find(({ token, port }) => token === host.label && port === host.port);
    if (signed && signed.expiresAt + cookieGraceMs > now) return { sandbox, valid: signed.expiresAt > now };
  }
  return undefined;
}

/** Hop-by-hop headers. `upgrade` and `connection` are set again where a WebSocket passes. */
const hopHeaders = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "transfer-encoding",
  "te",
  "upgrade",
];

/** For this proxy, not for user code. */
const controlHeaders = [
  "x-daytona-skip-last-activity-update",
  "x-daytona-disable-cors",
  "x-daytona-skip-preview-warning",
];

function requestHeaders(request: IncomingMessage, entry: EntryPoint): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = { ...request.headers };
  for (const name of [...hopHeaders, ...controlHeaders, tokenHeader, "expect"]) delete headers[name];
  // Without it a body of unknown length would follow headers that announce none.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  if (!entry.keepAuthorization) delete headers.authorization;
  const cookies = stripCookies(headers.cookie ?? "");
  if (cookies === "") delete headers.cookie;
  else headers.cookie = cookies;
  // apps/proxy/pkg/proxy/get_sandbox_target.go and libs/common-go/pkg/proxy/proxy.go: the proxy adds its own name
  // behind what the client said, also below the toolbox's address.
  headers["x-forwarded-host"] = [headers["x-forwarded-host"], request.headers.host].filter(Boolean).join(", ");
  if (entry.prefix !== undefined) return headers;
  headers["x-forwarded-proto"] = "http";
  return headers;
}

async function reach(
  request: IncomingMessage,
  host: PreviewHost,
  entry: EntryPoint,
  context: ServerContext,
): Promise<ClientRequest> {
  const connection = await requireLife(entry.sandbox).container.join(host.port);
  if (request.headers["x-daytona-skip-last-activity-update"] !== "true") context.sandboxes.touch(entry.sandbox);
  const headers = requestHeaders(request, entry);
  // The daemon requests the port itself.
  if (entry.prefix !== undefined) headers.host = `localhost:${host.port}`;
  if (request.headers.upgrade) Object.assign(headers, { connection: "Upgrade", upgrade: request.headers.upgrade });
  else headers.connection = "close";
  return send({
    method: request.method,
    path: entry.target,
    headers,
    setHost: false,
    maxHeaderSize: maxHeaderBytes,
    // One connection into the sandbox per request: nothing is shared and nothing is left over. (No `agent: false`: it
    // creates an agent, which ignores this connection.)
    createConnection: () => connection,
  });
}

function answerHeaders(response: IncomingMessage, entry: EntryPoint): (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const [name, value] = [response.rawHeaders[index] ?? "", response.rawHeaders[index + 1] ?? ""];
    if (hopHeaders.includes(name.toLowerCase())) continue;
    pairs.push([name, name.toLowerCase() === "location" ? placeLocation(value, entry) : value]);
  }
  // The application's own CORS headers take precedence.
  if (response.headers["access-control-allow-origin"] === undefined) pairs.push(...entry.crossOrigin);
  if (entry.setCookie !== undefined) pairs.push(["Set-Cookie", entry.setCookie]);
  return pairs;
}

function placeLocation(location: string, { prefix = "" }: EntryPoint): string {
  return location.startsWith(prefix) ? location : prefix + location;
}

export async function servePreview(
  request: IncomingMessage,
  response: ServerResponse,
  host: PreviewHost | ToolboxPort,
  context: ServerContext,
): Promise<void> {
  if (answerPreflight(request, response)) return;
  const entry = enter(request, host, context);
  const upstream = await reach(request, host, entry, context);
  await new Promise<void>((resolve, reject) => {
    upstream.once("error", () => {
      if (response.headersSent) response.destroy();
      reject(new HttpError(502, `the server on port ${host.port} broke the connection`));
    });
    upstream.once("response", (answer) => {
      try {
        passAnswer(answer, response, entry);
      } catch {
        // The program sent a status or header that HTTP doesn't allow, by accident or on purpose.
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

function passAnswer(answer: IncomingMessage, response: ServerResponse, entry: EntryPoint): void {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answerHeaders(answer, entry).flat());
  // Sent at once: an event stream has headers long before it has a body.
  response.flushHeaders();
  answer.on("error", () => response.destroy());
  answer.once("aborted", () => response.destroy());
  answer.pipe(response);
}

/** Passes a WebSocket's handshake with its headers, then bytes in both directions. */
export async function upgradePreview(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  host: PreviewHost | ToolboxPort,
  context: ServerContext,
): Promise<void> {
  const entry = enter(request, host, context);
  const upstream = await reach(request, host, entry, context);
  await new Promise<void>((resolve, reject) => {
    upstream.once("error", () => reject(new HttpError(502, `the server on port ${host.port} broke the connection`)));
    upstream.once("response", (answer) => {
      // The program declined the upgrade: its response is passed on, and the connection ends.
      socket.write(spellHead(answer, [...answerHeaders(answer, entry), ["Connection", "close"]]));
      answer.pipe(socket);
      resolve();
    });
    upstream.once("upgrade", (answer, inner, innerHead) => {
      const upgrade = [
        ["Connection", "Upgrade"],
        ["Upgrade", answer.headers.upgrade ?? "websocket"],
      ] as const;
      socket.write(spellHead(answer, [...answerHeaders(answer, entry), ...upgrade]));
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

/** Pages of any origin may read a preview's responses, with credentials, unless the request opts out. */
function crossOriginHeaders(request: IncomingMessage): [string, string][] {
  const { origin } = request.headers;
  if (origin === undefined || request.headers["x-daytona-disable-cors"] === "true") return [];
  return [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Credentials", "true"],
    ["Vary", "Origin"],
  ];
}

/**
 * A browser sends a preflight before the request itself and never with a token, so it is answered before
 * authentication.
 */
function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  const method = request.headers["access-control-request-method"];
  const headers = crossOriginHeaders(request);
  if (request.method !== "OPTIONS" || method === undefined || headers.length === 0) return false;
  const asked = request.headers["access-control-request-headers"];
  headers.push(["Access-Control-Allow-Methods", method], ["Access-Control-Max-Age", "43200"]);
  if (asked !== undefined) headers.push(["Access-Control-Allow-Headers", asked]);
  response.writeHead(204, headers.flat());
  response.end();
  return true;
}
