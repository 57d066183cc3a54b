/**
 * A fake Slack on the loopback interface: the Web API, OAuth, the Events API, interactivity and slash commands of one
 * app in any number of workspaces. It is written from Slack's documentation and is strict: it rejects what the
 * documentation doesn't allow, with the errors that it names.
 *
 * Tests call `startSlack` and act as people through its handle; a person runs `npm run slack` and opens its page.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveApi } from "./api.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { App, Context } from "./context.ts";
import { serveConsent, serveControl, servePage } from "./control.ts";
import { Deliveries } from "./deliver.ts";
import { errorBody, SlackError } from "./errors.ts";
import type { Fault } from "./faults.ts";
import { createHandle, type SlackHandle } from "./handle.ts";
import { showResponse } from "./interactions.ts";
import type { Json } from "./json.ts";
import { createRateLimits } from "./rate-limits.ts";
import { Store } from "./store.ts";

export interface SlackOptions {
  /** 0, the default, chooses a free one. */
  port?: number;
  clock?: Clock;
  signingSecret?: string;
  clientId?: string;
  clientSecret?: string;
  appId?: string;
  /** The app's addresses; `slack.connect` can set them later. */
  addresses?: App["addresses"];
  /** Replaces the default, which is every event that the fake can send. */
  subscriptions?: string[];
  /** Replaces the default, which is every scope that the fake's methods require. */
  scopes?: string[];
  /** Injected failures. The caller may change the list while the server runs. */
  faults?: Fault[];
}

export type Slack = SlackHandle & {
  port: number;
  url: string;
  /** For `slackApiUrl` of `@slack/web-api`; ends with a slash. */
  apiUrl: string;
  authorizeUrl: string;
  app: App;
  close(): Promise<void>;
};

const subscriptions = [
  "app_mention",
  "message.channels",
  "message.groups",
  "message.im",
  "assistant_thread_started",
  "assistant_thread_context_changed",
  "agent_session_stopped",
  "app_uninstalled",
  "tokens_revoked",
];

const scopes = [
  "app_mentions:read",
  "assistant:write",
  "channels:history",
  "channels:read",
  "chat:write",
  "commands",
  "groups:history",
  "groups:read",
  "im:history",
  "im:read",
  "im:write",
  "team:read",
  "users:read",
];

/** The real limit for a view, and more than any message. */
const maxBodyBytes = 1024 * 1024;
const ownHosts = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

export async function startSlack(options: SlackOptions = {}): Promise<Slack> {
  const clock = options.clock ?? systemClock;
  const app: App = {
    id: options.appId ?? "A0TASKLOOM",
    clientId: options.clientId ?? "1111111111.2222222222",
    clientSecret: options.clientSecret ?? "slack-client-secret",
    signingSecret: options.signingSecret ?? "slack-signing-secret",
    addresses: { ...options.addresses },
    subscriptions: options.subscriptions ?? subscriptions,
    scopes: options.scopes ?? scopes,
  };
  const ending = new AbortController();
  let url = "";
  const context: Context = {
    clock,
    store: new Store(clock),
    app,
    limits: createRateLimits(clock),
    faults: options.faults ?? [],
    calls: [],
    deliveries: new Deliveries(clock, () => app.signingSecret),
    url: () => url,
  };
  const server = createServer((request, response) => void serve(request, response, context, ending.signal));
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  url = `http://127.0.0.1:${port}`;
  return {
    ...createHandle(context),
    port,
    url,
    apiUrl: `${url}/api/`,
    authorizeUrl: `${url}/oauth/v2/authorize`,
    app,
    close: () =>
      new Promise((resolve) => {
        ending.abort();
        context.deliveries.end();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  request.on("error", () => {});
  response.on("error", () => {});
  try {
    await route(request, response, context, signal);
  } catch (error) {
    const known = error instanceof SlackError ? error : new SlackError("fatal_error", [String(error)]);
    if (!response.headersSent && !response.destroyed)
      sendJson(response, error instanceof SlackError ? 400 : 500, errorBody(known));
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  // A page on a name that was rebound to this address (DNS rebinding) must not reach the fake.
  if (!ownHosts.test(request.headers.host ?? "")) return sendJson(response, 421, { ok: false, error: "wrong_host" });
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const body = await readBody(request);
  const parts = url.pathname.split("/").slice(1);
  const [first, , third] = parts;
  if (first === "api")
    return serveApi(parts.slice(1).join("/"), request, response, url.searchParams, body, context, signal);
  if (first === "oauth") return serveConsent(request, response, url, body, context);
  if ((first === "actions" || first === "commands") && request.method === "POST") {
    showResponse(context, third ?? "", JSON.parse(body) as Json);
    return void response.writeHead(200, { "content-type": "text/plain" }).end("ok");
  }
  if (first === "_control") return serveControl(request, response, url, body, context);
  if (url.pathname === "/" && request.method === "GET") return servePage(response);
  sendJson(response, 404, { ok: false, error: "not_found" });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBodyBytes) throw new SlackError("request_too_large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}
