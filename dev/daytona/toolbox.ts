/**
 * `/toolbox/{sandbox}/…`: finds the sandbox, checks authorization, and calls its daemon's routes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { tokenQuery } from "./access.ts";
import { refuse } from "./bodies.ts";
import { requireLife, type ServerContext, type ToolboxContext } from "./context.ts";
import {
  HttpError,
  invalidKeyMessage,
  missingKeyMessage,
  refuseAtProxy,
  toHttpError,
  toolboxErrorBody,
} from "./errors.ts";
import { fileRoutes } from "./file-routes.ts";
import { gitRoutes } from "./git-routes.ts";
import { describeAbsent, processRoutes } from "./process-routes.ts";
import { ptyRoutes } from "./pty-routes.ts";
import { upgradePty } from "./pty-sockets.ts";
import { decodeSegment, parseTarget, Routes } from "./routes.ts";
import { followLog, sessionRoutes } from "./session-routes.ts";
import { requireCommand } from "./sessions.ts";

const routes = new Routes<ToolboxContext>({
  ...processRoutes,
  ...ptyRoutes,
  ...sessionRoutes,
  ...fileRoutes,
  ...gitRoutes,
});
const prefix = /^\/toolbox\/([^/]+)(\/.*)$/;
const logsPath = /^\/process\/session\/([^/]+)\/command\/([^/]+)\/logs$/;
/** The daemon writes the status of these refusals before it would write the reason. */
const bareRefusals = /^\/toolbox\/[^/]+\/files(?!\/bulk-)/;
const skipActivityHeader = "x-daytona-skip-last-activity-update";

export function isToolboxPath(path: string): boolean {
  return path.startsWith("/toolbox/");
}

function enter(request: IncomingMessage, url: URL, context: ServerContext): { inner: string; toolbox: ToolboxContext } {
  const [, id, inner] = prefix.exec(url.pathname) ?? [];
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
    const { inner, toolbox } = enter(request, url, context);
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
  const { inner, toolbox } = enter(request, url, context);
  if (upgradePty(request, socket, head, { inner, url, toolbox })) return;
  const [, session, command] = logsPath.exec(inner) ?? [];
  if (session === undefined || command === undefined) {
    throw new HttpError(501, `a WebSocket on ${inner} is not supported by this server`, "NOT_IMPLEMENTED");
  }
  const { log } = requireCommand(toolbox.life.sessions.require(decodeSegment(session)), decodeSegment(command));
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    followLog(webSocket, log).catch(() => webSocket.terminate());
  });
}
