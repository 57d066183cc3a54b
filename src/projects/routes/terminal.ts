// A terminal of a project's sandbox in a browser. A browser's WebSocket can't send an API key, so an authenticated
// request first gets a ticket, which opens one WebSocket to one shell within a minute. The Worker is between the two,
// so the browser never sees the provider's key, nor the sandbox ours.
import { z } from "@hono/zod-openapi";
import type { TerminalRequest } from "../../agent/workspace.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { type KeyWatch, watchKey } from "../../http/key-watch.ts";
import { addOperation } from "../../http/operation.ts";
import { ticket } from "../../http/schemas.ts";
import { countOpen } from "../../http/stream.ts";
import { issueTicket, redeemTicket, TICKET_CHARACTERS, ticketScopes } from "../../http/tickets.ts";
import { requireAbility, withWatchedWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { logError } from "../../lib/log.ts";
import { clientId } from "../../protocol/ids.ts";
import { terminalBody } from "./schemas.ts";
import { TerminalBridge, TICK_MS } from "./terminal-bridge.ts";

const tag = "Sandboxes";
const SOCKET_PATH = "/v1/terminal";

export function addTerminal(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/projects/{project_id}/sandbox/terminal",
      scope: ticketScopes.terminal,
      tag,
      summary: "Create a ticket for a terminal",
      description:
        "The address opens one WebSocket, once, within a minute. It starts or creates the sandbox. The same `session` reaches the same shell while the shell lives.",
      params: z.object({ project_id: clientId }),
      body: terminalBody,
      answers: { 201: { description: "The address of the terminal.", schema: ticket } },
      problems: workspaceProblems,
      quota: "tickets",
    },
    async (context, { params, body }) => {
      const target = { purpose: "terminal", path: SOCKET_PATH, project_id: params.project_id } as const;
      const { url, expires_at } = await issueTicket(context, target, body);
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
      query: z.object({ ticket: z.string().max(TICKET_CHARACTERS).default("") }),
      answers: { 101: { description: "The WebSocket." } },
      problems: ["unauthorized", "forbidden", "not_found", "not_configured", "invalid_operation", "rate_limited"],
    },
    async (context, { query }) => {
      if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
        throw new Problem("invalid_operation", "This address is for a WebSocket.");
      }
      checkOrigin(context);
      const { project_id, details } = await redeemTicket(context, "terminal", query.ticket);
      return answerTerminal(context, project_id, terminalBody().parse(details));
    },
  );
}

/** A ticket is part of a URL, which other pages in the browser may learn: this check keeps them from using it. */
function checkOrigin(context: AppContext): void {
  const origin = context.req.header("origin");
  if (origin === undefined) return;
  const { cors_origins } = context.get("config");
  const isOwn = URL.canParse(origin) && new URL(origin).host === new URL(context.req.url).host;
  if (isOwn || cors_origins.includes(origin) || cors_origins.includes("*")) return;
  throw new Problem("forbidden", "This origin may not open terminals; CORS_ORIGINS names those that may.");
}

function answerTerminal(context: AppContext, project_id: string, request: TerminalRequest): Response {
  const close = countOpen(context, "streams");
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.binaryType = "arraybuffer";
  socket.accept();
  const bridge = new TerminalBridge(socket, request.session);
  const left = new AbortController();
  const watch = watchKey(context);
  const stop = () => {
    clearInterval(clock);
    watch.stop();
    close();
  };
  const clock = setInterval(() => {
    bridge.tick();
    if (bridge.is_over) stop();
  }, TICK_MS);
  const leave = () => {
    stop();
    left.abort(new DOMException("the person has left", "AbortError"));
    bridge.leave();
  };
  socket.addEventListener("message", ({ data }) => bridge.receive(data as string | ArrayBuffer));
  socket.addEventListener("close", leave);
  socket.addEventListener("error", leave);
  watch.signal.addEventListener("abort", () => {
    bridge.refuse((watch.signal.reason as Problem).failure.detail);
    leave();
  });
  context.executionCtx.waitUntil(connect(context, { project_id, watch }, request, bridge, left.signal));
  return new Response(null, { status: 101, webSocket: client });
}

async function connect(
  context: AppContext,
  { project_id, watch }: { project_id: string; watch: KeyWatch },
  request: TerminalRequest,
  bridge: TerminalBridge,
  signal: AbortSignal,
): Promise<void> {
  const events = {
    onReady: (is_resumed: boolean) => bridge.sendReady(is_resumed),
    onOutput: (bytes: Uint8Array) => bridge.takeOutput(bytes),
    onEnd: (end: Parameters<TerminalBridge["end"]>[0]) => bridge.end(end),
  };
  try {
    bridge.attach(
      await withWatchedWorkspace(context, project_id, watch, (workspace) =>
        requireAbility(workspace.openTerminal?.(request, events, signal), "a terminal"),
      ),
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
