/**
 * A Daytona-compatible server for one developer's machine.
 *
 * It implements the API that the Daytona SDK uses, so a program written for Daytona runs against it unchanged: the
 * control plane under `/api`, each sandbox's toolbox under `/toolbox/{id}`, and previews on hosts of their own, all on
 * one port of the loopback interface. Sandboxes are folders with real processes (see `isolation.ts`).
 */
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import { Access } from "./access.ts";
import { type Fault, failRequest, meetFault, serveFaults } from "./faults.ts";
import { apiErrorBody, HttpError, parseTarget, refuse, toHttpError } from "./http.ts";
import { type Isolation, probeIsolation, writeSystemFiles } from "./isolation.ts";
import { type Lock, lockState } from "./lock.ts";
import type { ServerContext } from "./parts.ts";
import { createParts, type PartsOptions } from "./parts.ts";
import {
  isToolboxPath,
  parsePreviewHost,
  parseToolboxPort,
  servePreview,
  serveToolbox,
  upgradePreview,
  upgradeToolbox,
} from "./proxy.ts";
import { isMissing } from "./rules.ts";
import { sandboxRoutes } from "./sandbox-routes.ts";
import { SshGateway } from "./ssh.ts";

export interface DaytonaOptions extends PartsOptions {
  /** 0 chooses a free one. */
  port: number;
  /** The folder for all data of the sandboxes. */
  state: string;
  /** `auto` uses bubblewrap where it works. `bubblewrap` fails where it doesn't. */
  isolation?: Isolation | "auto";
  /** Permits commands without isolation though a real model chooses them. */
  hostExecAllowed?: boolean;
  /** Whether commands come from a real model rather than from the scripted one, whose commands are known. */
  realModel?: boolean;
  /** Permits git remotes whose names resolve to this machine or a private network. */
  privateUrlsAllowed?: boolean;
  /** The only accepted key. Without it any key is accepted. */
  apiKey?: string;
  /** The key of the SSH gateway, which alone may ask whether a token is valid. Without it nobody may. */
  sshGatewayKey?: string;
  /** Injected failures. The caller may change the list while the server runs. */
  faults?: Fault[];
}

export interface DaytonaServer {
  port: number;
  /** For `DAYTONA_API_URL`. */
  apiUrl: string;
  isolation: Isolation;
  /** Why there is no isolation. */
  isolationReason: string | undefined;
  /** Why commands are refused, if they are. */
  refusal: string | undefined;
  close(): Promise<void>;
}

/** Short enough for auto-stop, which counts in minutes. */
const sweepMs = 10_000;
/** No working client sends its headers this slowly. Bodies may take longer: uploads are large. */
const headersTimeoutMs = 30_000;
/** Longer than the idle time of usual clients, which then close first: a request never meets a closing connection. */
const keepAliveMs = 65_000;
/** The real server's limit. Requests for a program may have larger addresses and cookies than Node's default allows. */
const maxHeaderBytes = 1024 * 1024;

export async function startDaytona(options: DaytonaOptions): Promise<DaytonaServer> {
  const stateDirectory = resolve(options.state);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const lock = await lockState(stateDirectory);
  try {
    return await startLocked(options, stateDirectory, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startLocked(options: DaytonaOptions, stateDirectory: string, lock: Lock): Promise<DaytonaServer> {
  const { isolation, reason } = await chooseIsolation(options.isolation ?? "auto", stateDirectory);
  const refusal = refuseCommands(isolation, reason, options);
  const etc = await writeSystemFiles(stateDirectory);
  const privateUrlsAllowed = options.privateUrlsAllowed === true;
  const parts = await createParts(options, {
    stateDirectory,
    socketsDirectory: lock.folder,
    etc,
    isolation,
    refusal,
    privateUrlsAllowed,
  });
  const gateway = new SshGateway({ stateDirectory, sandboxes: parts.sandboxes, refusal });
  let port = options.port;
  const context: ServerContext = {
    ...parts,
    access: new Access(options.apiKey, parts.rules.now, options.sshGatewayKey),
    refusal,
    privateUrlsAllowed,
    faults: options.faults ?? [],
    origin: () => `http://127.0.0.1:${port}`,
    sshPort: () => gateway.port(),
    previewUrl: (previewPort, label) => `http://${previewPort}-${label}.localhost:${port}`,
  };
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
  });
  server.on("request", (request, response) => void serve(request, response, context));
  server.on("upgrade", (request, socket, head) => void upgrade(request, socket, head, context));
  server.on("clientError", (_error, socket) => refuseSocket(socket, new HttpError(400, "malformed request"), "/"));
  port = await listen(server, options.port);
  await gateway.resume();
  const sweeper = setInterval(() => void parts.changes.sweep(Date.now()).catch(() => undefined), sweepMs);
  const close = once(async () => {
    clearInterval(sweeper);
    server.close();
    await parts.origins.close();
    await parts.changes.close();
    await gateway.close();
    server.closeAllConnections();
    await lock.release();
  });
  return { port, apiUrl: `${context.origin()}/api`, isolation, isolationReason: reason, refusal, close };
}

async function chooseIsolation(
  wanted: Isolation | "auto",
  stateDirectory: string,
): Promise<{ isolation: Isolation; reason: string | undefined }> {
  if (wanted === "none") return { isolation: "none", reason: "isolation was switched off" };
  const report = await probeIsolation(stateDirectory);
  if (wanted === "bubblewrap" && report.isolation === "none") throw new Error(report.reason);
  return report;
}

function refuseCommands(isolation: Isolation, reason: string | undefined, options: DaytonaOptions): string | undefined {
  if (isolation === "bubblewrap" || options.hostExecAllowed || !options.realModel) return undefined;
  return (
    `commands are refused: a real model would run them on this machine without isolation (${reason}). ` +
    "Install bubblewrap, or start with --allow-host-exec to permit it"
  );
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Makes a second close return the result of the first. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}

const ownHosts = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

async function serve(request: IncomingMessage, response: ServerResponse, context: ServerContext): Promise<void> {
  request.on("error", () => {});
  response.on("error", () => {});
  const path = request.url?.split("?")[0] ?? "/";
  try {
    const preview = parsePreviewHost(request.headers.host);
    if (preview) await servePreview(request, response, preview, context);
    else await serveOwn(request, response, context);
  } catch (error) {
    const known = toHttpError(error);
    refuse(request, response, known.status, apiErrorBody(known, path));
  }
}

const VALIDATION = "/sandbox/ssh-access/validate";

async function serveOwn(request: IncomingMessage, response: ServerResponse, context: ServerContext): Promise<void> {
  // A page on a name that was rebound to this address (DNS rebinding) must not reach the API.
  if (!ownHosts.test(request.headers.host ?? "")) throw new HttpError(421, "this host is not served here");
  const url = parseTarget(request, context.origin());
  if (url.pathname === "/faults") {
    if (!context.access.hasKey(request)) throw new HttpError(401, "Unauthorized");
    return serveFaults(request, response, context.faults);
  }
  const fault = meetFault(context.faults, request.method ?? "GET", url.pathname);
  if (fault && failRequest(fault, request, response, url.pathname)) return;
  const port = parseToolboxPort(request);
  if (port) return servePreview(request, response, port, context);
  if (isToolboxPath(url.pathname)) return serveToolbox(request, response, url, context);
  if (!url.pathname.startsWith("/api/") || url.pathname.startsWith("/api/socket.io"))
    throw new HttpError(404, "Not Found");
  const inner = url.pathname.slice("/api".length);
  const isGateway = inner === VALIDATION && context.access.isGateway(request);
  if (!isGateway && !context.access.hasKey(request)) throw new HttpError(401, "Unauthorized");
  if (isMissing(context.rules, inner))
    throw new HttpError(404, `Cannot ${request.method} ${url.pathname}${url.search}`);
  const route = sandboxRoutes.find(request.method ?? "GET", inner);
  if (!route) throw new HttpError(501, `${request.method} ${url.pathname} is not supported by this server`);
  const reportedState = fault?.answer === "state" ? fault.state : undefined;
  await route.handler({ request, response, url, parameters: route.parameters, reportedState }, context);
}

async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, context: ServerContext): Promise<void> {
  socket.on("error", () => socket.destroy());
  const path = request.url?.split("?")[0] ?? "/";
  try {
    const isOwn = ownHosts.test(request.headers.host ?? "");
    const preview = parsePreviewHost(request.headers.host) ?? (isOwn ? parseToolboxPort(request) : undefined);
    if (preview) await upgradePreview(request, socket, head, preview, context);
    else if (isOwn && isToolboxPath(path)) upgradeToolbox(request, socket, head, context);
    else throw new HttpError(404, "Not Found");
  } catch (error) {
    refuseSocket(socket, toHttpError(error), path);
  }
}

function refuseSocket(socket: Duplex, error: HttpError, path: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(apiErrorBody(error, path));
  const head = `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? "Error"}\r\n`;
  const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n`;
  socket.end(`${head}${headers}\r\n${body}`, () => socket.destroy());
}
