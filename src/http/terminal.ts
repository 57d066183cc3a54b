// A terminal of a project's sandbox in a browser. A browser's WebSocket can't send a key, so a request that can asks for a
// ticket first: it opens one WebSocket, within a minute, to one shell. The Worker stands between the two, so no key of
// Daytona reaches the browser, and none of ours the sandbox.
import { z } from "@hono/zod-openapi";
import type { TerminalRequest } from "../agent/workspace.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { logError } from "../lib/log.ts";
import { clientId } from "../protocol/ids.ts";
import { createTicket, takeTicket } from "../store/tickets.ts";
import type { App, AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { addOperation } from "./operation.ts";
import { requireProject } from "./ownership.ts";
import { terminalBody, terminalTicket } from "./schemas.ts";
import { TerminalBridge, TICK_MS } from "./terminal-bridge.ts";
import { withWorkspace, workspaceProblems } from "./workspace.ts";

const tag = "Sandboxes";
const SOCKET_PATH = "/v1/terminal";
const TICKET_MS = 60_000;
const TICKET_BYTES = 32;

export function addTerminal(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/projects/{project_id}/sandbox/terminal",
      tag,
      summary: "Ask for a terminal",
      description:
        "The address opens one WebSocket, once, within a minute. It makes or starts the sandbox. The same `session` reaches the same shell while that lives.",
      params: z.object({ project_id: clientId }),
      body: terminalBody,
      answers: { 201: { description: "Where the terminal is.", schema: terminalTicket } },
      problems: workspaceProblems,
    },
    async (context, { params, body }) => {
      const { user_id, project_id } = await requireProject(context, params.project_id);
      requireSandboxes(context);
      const ticket = toHex(crypto.getRandomValues(new Uint8Array(TICKET_BYTES)));
      const now = Date.now();
      const expires_at = new Date(now + TICKET_MS).toISOString();
      const stored = { user_id, project_id, hash: await hash(ticket), expires_at, details: { ...body } };
      await createTicket(context.env.DB, stored, new Date(now).toISOString());
      const url = new URL(`${SOCKET_PATH}?ticket=${ticket}`, context.req.url);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return context.json({ url: url.href, expires_at }, 201, { "cache-control": "no-store" });
    },
  );
}

export function addTerminalSocket(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: SOCKET_PATH,
      tag,
      summary: "A terminal",
      description: "A WebSocket. Binary frames are input and output; text frames are JSON, see the protocol.",
      open: true,
      query: z.object({ ticket: z.string().max(200).default("") }),
      answers: { 101: { description: "The WebSocket." } },
      problems: ["unauthorized", "forbidden", "not_found", "not_configured", "invalid_operation"],
    },
    async (context, { query }) => {
      if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
        throw new Problem("invalid_operation", "This address is for a WebSocket.");
      }
      checkOrigin(context);
      requireSandboxes(context);
      const ticket = await takeTicket(context.env.DB, await hash(query.ticket), new Date().toISOString());
      if (!ticket) throw new Problem("unauthorized", "The ticket is not known, was used, or has expired.");
      context.set("caller", { user_id: ticket.user_id, is_admin: false });
      await requireProject(context, ticket.project_id);
      return answerTerminal(context, ticket.project_id, terminalBody.parse(ticket.details));
    },
  );
}

function requireSandboxes(context: AppContext): void {
  if (context.get("config").daytona !== null) return;
  throw new Problem("not_configured", "No sandbox is set up: the server's setting DAYTONA_API_KEY is missing.");
}

/** A ticket travels in an address, which other pages of a browser may come to know; they can't open it. */
function checkOrigin(context: AppContext): void {
  const origin = context.req.header("origin");
  if (origin === undefined) return;
  const { cors_origins } = context.get("config");
  const isOwn = URL.canParse(origin) && new URL(origin).host === new URL(context.req.url).host;
  if (isOwn || cors_origins.includes(origin) || cors_origins.includes("*")) return;
  throw new Problem("forbidden", "This origin may not open terminals; CORS_ORIGINS names those that may.");
}

function answerTerminal(context: AppContext, project_id: string, request: TerminalRequest): Response {
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.binaryType = "arraybuffer";
  socket.accept();
  const bridge = new TerminalBridge(socket, request.session);
  const left = new AbortController();
  const clock = setInterval(() => {
    bridge.tick();
    if (bridge.is_over) clearInterval(clock);
  }, TICK_MS);
  const leave = () => {
    clearInterval(clock);
    left.abort(new DOMException("the person has left", "AbortError"));
    bridge.leave();
  };
  socket.addEventListener("message", ({ data }) => bridge.receive(data as string | ArrayBuffer));
  socket.addEventListener("close", leave);
  socket.addEventListener("error", leave);
  context.executionCtx.waitUntil(connect(context, project_id, request, bridge, left.signal));
  return new Response(null, { status: 101, webSocket: client });
}

async function connect(
  context: AppContext,
  project_id: string,
  request: TerminalRequest,
  bridge: TerminalBridge,
  signal: AbortSignal,
): Promise<void> {
  const events = {
    onReady: (is_resumed: boolean) => bridge.tellReady(is_resumed),
    onOutput: (bytes: Uint8Array) => bridge.takeOutput(bytes),
    onEnd: (end: Parameters<TerminalBridge["end"]>[0]) => bridge.end(end),
  };
  try {
    bridge.attach(
      await withWorkspace(context, project_id, (workspace) => workspace.openTerminal(request, events, signal)),
    );
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Problem) {
      bridge.fail(error.failure.detail);
      return;
    }
    logError("terminal_failed", error, { request_id: context.get("request_id") });
    bridge.fail("The server failed; the request id finds the reason in its log.");
  }
}

async function hash(ticket: string): Promise<string> {
  return toHex(await hashText(ticket));
}
