// A strict search service on loopback: it refuses what the real one refuses, in its words and in its order (key, account,
// rate, request), and has the troubles of networks on demand.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AskedSearch, KnownPage, Refused, StrictService } from "./strict-service.ts";

/** `drip` sends a byte at a time and never ends, `endless` never stops sending, `cut` ends in the middle. */
export type Trouble =
  | { kind: "html" | "empty" | "huge" | "drip" | "silence" | "cut" | "endless" | "hangup" }
  | { kind: "body"; body: unknown }
  | { kind: "status"; status: number; body: string }
  | { kind: "redirect"; status: number; location: string };

export interface SearchServer {
  url: string;
  service: StrictService;
  /** The right key. */
  key: string;
  pages: KnownPage[];
  account: "full" | "empty" | "limited";
  /** The same for all requests, or by request. */
  trouble: Trouble | ((asked: AskedSearch) => Trouble | null) | null;
  /** Every request that arrived, oldest first. */
  asked: AskedSearch[];
  /** What was wrong with those that were refused for themselves. */
  faults: string[];
  /** Resolves once a client has gone before its answer ended. */
  abandoned: Promise<void>;
  close(): Promise<void>;
}

export async function startSearchServer(service: StrictService): Promise<SearchServer> {
  let abandon = () => {};
  const state: SearchServer = {
    ...{ url: "", service, key: `key-of-${service.name}`, pages: [], account: "full", trouble: null },
    ...{ asked: [], faults: [] },
    abandoned: new Promise((resolve) => {
      abandon = resolve;
    }),
    close: async () => {},
  };
  const server = http.createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) abandon();
    });
    void read(request).then((asked) => {
      state.asked.push(asked);
      answer(state, asked, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  state.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return state;
}

async function read(request: IncomingMessage): Promise<AskedSearch> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const text = Buffer.concat(pieces).toString();
  const headers = request.headers as Record<string, string | undefined>;
  return {
    ...{ method: request.method ?? "", path: pathname, fields: searchParams, headers },
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function answer(server: SearchServer, asked: AskedSearch, response: ServerResponse): void {
  const trouble = typeof server.trouble === "function" ? server.trouble(asked) : server.trouble;
  if (trouble !== null) makeTrouble(trouble, response);
  else send(response, refusalOf(server, asked) ?? { status: 200, body: server.service.answer(server.pages, asked) });
}

function refusalOf(server: SearchServer, asked: AskedSearch): Refused | null {
  const { service, account } = server;
  if (asked.path !== service.path || asked.method !== service.method) {
    server.faults.push(`${asked.method} ${asked.path}`);
    return { status: 404, body: { message: "Not found" } };
  }
  if (service.readKey !== null) {
    const key = service.readKey(asked);
    if (key === undefined) return service.missingKey;
    if (key !== server.key) return service.wrongKey;
  }
  if (account === "empty") return service.emptyAccount;
  if (account === "limited") return service.limited;
  const isJson = asked.method === "GET" || /^application\/json\b/.test(asked.headers["content-type"] ?? "");
  const fault = isJson ? service.findFault(asked) : "no content type of JSON";
  if (fault === null) return null;
  server.faults.push(fault);
  return service.badRequest(fault);
}

function send(response: ServerResponse, { status, body, headers = {} }: Refused): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

const HUGE_BYTES = 3 * 1024 * 1024;

function makeTrouble(trouble: Trouble, response: ServerResponse): void {
  const whole = wholeAnswer(trouble);
  if (whole !== null) send(response, whole);
  else if (trouble.kind === "hangup") response.destroy();
  else if (trouble.kind === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"results": [', () => response.destroy());
  } else if (trouble.kind === "drip" || trouble.kind === "endless") keepSending(response, trouble.kind);
}

/** Null for what never becomes whole. */
function wholeAnswer(trouble: Trouble): Refused | null {
  switch (trouble.kind) {
    case "html":
      return { status: 200, body: "<!doctype html><title>Are you human?</title>" };
    case "empty":
      return { status: 200, body: "" };
    case "huge":
      return { status: 200, body: { results: [], more: "x".repeat(HUGE_BYTES) } };
    case "body":
      return { status: 200, body: trouble.body };
    case "status":
      return trouble;
    case "redirect":
      return { status: trouble.status, body: "", headers: { location: trouble.location } };
    default:
      return null;
  }
}

function keepSending(response: ServerResponse, kind: "drip" | "endless"): void {
  response.writeHead(200, { "content-type": "application/json" });
  if (kind === "drip") {
    const timer = setInterval(() => response.write(" "), 10);
    response.on("close", () => clearInterval(timer));
    return;
  }
  const piece = " ".repeat(64 * 1024);
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", more);
  more();
}
