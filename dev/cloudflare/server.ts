// A stand-in for Cloudflare's API, as far as wrangler calls it for a deployment: one account, in memory, on loopback.
// It records each request. Faults answer in place of it.
import { createHash, timingSafeEqual } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Account, makeAccount } from "./account.ts";
import { answerPage, type Exchange, envelope, type Handler, refusal } from "./answers.ts";
import { ApiError } from "./api-error.ts";
import { openSession, uploadFiles } from "./assets.ts";
import { createDatabase, deleteDatabase, listDatabases, queryDatabase, readDatabase } from "./databases.ts";
import { addConsumer, changeConsumer, createQueue, listQueues } from "./queues.ts";
import * as scripts from "./scripts.ts";
import * as triggers from "./triggers.ts";

export interface Fault {
  /** The method, a space, and the address behind `/accounts/{id}`; or a part of it. */
  on: string | RegExp;
  /** How often; without it always. */
  times?: number;
  status: number;
  code: number;
  message: string;
  /** In place of the envelope: a page of something in front of the API. */
  raw?: string;
  headers?: Record<string, string>;
  /** `cut` closes the connection within the body, `hang` never answers. */
  end?: "cut" | "hang";
}

interface Reply {
  status: number;
  text: string;
  fault?: Fault;
}

export interface CloudflareOptions {
  /** 0 chooses a free one. */
  port: number;
  token: string;
  /** Others than one account named Acme. */
  accounts?: Account[];
  faults?: Fault[];
  /** Whether a version starts. Without it nobody looks. */
  check?: scripts.StartCheck;
  /** For tests: an answer waits for it. */
  onRequest?: (line: string) => Promise<void> | void;
}

export interface RunningCloudflare {
  /** For `CLOUDFLARE_API_BASE_URL`. */
  url: string;
  account: Account;
  accounts: Account[];
  /** Each request, as `POST /d1/database`. */
  log: string[];
  faults: Fault[];
  close(): Promise<void>;
}

/** A Worker with its source map; files of a page come in parts. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

const noCheck: scripts.StartCheck = async () => {};

function describeRoutes(check: scripts.StartCheck): Record<string, Handler> {
  const script = "/workers/scripts/{script}";
  return {
    "GET /d1/database": listDatabases,
    "POST /d1/database": createDatabase,
    "GET /d1/database/{database}": readDatabase,
    "DELETE /d1/database/{database}": deleteDatabase,
    "POST /d1/database/{database}/query": queryDatabase,
    "GET /queues": listQueues,
    "POST /queues": createQueue,
    "POST /queues/{queue}/consumers": addConsumer,
    "PUT /queues/{queue}/consumers/{consumer}": changeConsumer,
    "GET /workers/subdomain": triggers.readSubdomain,
    "PUT /workers/subdomain": triggers.setSubdomain,
    "GET /workers/services/{script}": scripts.readService,
    "GET /workers/workers/{script}": scripts.readWorker,
    [`PUT ${script}`]: scripts.uploadScript(check),
    [`GET ${script}/versions`]: scripts.listVersions,
    [`POST ${script}/versions`]: scripts.uploadVersion(check),
    [`GET ${script}/versions/{version}`]: scripts.readVersion,
    [`GET ${script}/deployments`]: scripts.listDeployments,
    [`POST ${script}/deployments`]: scripts.createDeployment,
    [`GET ${script}/settings`]: scripts.readSettings,
    [`PATCH ${script}/script-settings`]: scripts.changeSettings,
    [`GET ${script}/secrets`]: scripts.listSecrets,
    [`PUT ${script}/secrets`]: scripts.putSecret,
    [`POST ${script}/assets-upload-session`]: openSession,
    "POST /workers/assets/upload": uploadFiles,
    [`POST ${script}/subdomain`]: triggers.enableSubdomain,
    [`PUT ${script}/schedules`]: triggers.setSchedules,
    [`PUT ${script}/routes`]: triggers.setRoutes,
    [`POST ${script}/domains/changeset`]: triggers.planDomains,
    [`PUT ${script}/domains/records`]: triggers.setDomains,
  };
}

export async function startCloudflare(options: CloudflareOptions): Promise<RunningCloudflare> {
  const accounts = options.accounts ?? [makeAccount()];
  const [account = makeAccount()] = accounts;
  const [log, faults]: [string[], Fault[]] = [[], options.faults ?? []];
  const routes = Object.entries(describeRoutes(options.check ?? noCheck)).map(([line, handler]) => ({
    ...compile(line),
    handler,
  }));
  const respond = async (request: IncomingMessage): Promise<Reply> => {
    try {
      const url = new URL(request.url ?? "/", "http://localhost");
      const [, id, path = url.pathname] = /^\/accounts\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
      const line = `${request.method} ${path}`;
      log.push(line);
      await options.onRequest?.(line);
      const body = await readBody(request);
      const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const fault = findFault(faults, line);
      if (fault !== undefined) return refuseOnPurpose(fault);
      // Files are admitted by the token of their session.
      if (path !== "/workers/assets/upload") authenticate(headers, options.token, path);
      if (id === undefined) return { status: 200, text: answerOutside(accounts, line, url) };
      const of = accounts.find((each) => each.id === id);
      if (of === undefined) throw new ApiError(403, 10_000, "Authentication error");
      const found = routes.find(({ method, pattern }) => method === request.method && pattern.test(path));
      if (found === undefined) throw new ApiError(404, 7003, `No route for that URI: ${line}`);
      const params = { ...found.pattern.exec(path)?.groups };
      const exchange: Exchange = { account: of, method: found.method, params, query: url.searchParams, headers, body };
      return { status: 200, text: envelope(await found.handler(exchange)) };
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, 10_013, String(error));
      return { status: known.status, text: refusal(known) };
    }
  };
  const server = http.createServer((request, response) => {
    void respond(request).then((reply) => send(response, reply));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, account, accounts, log, faults },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What belongs to a user and not to an account. */
function answerOutside(accounts: Account[], line: string, url: URL): string {
  const [account] = accounts;
  const { searchParams: query } = url;
  const exchange = { account, query } as Exchange;
  const zone = /^GET \/zones\/([^/]+)\/workers\/routes$/.exec(line)?.[1];
  if (zone !== undefined) return envelope(triggers.listZoneRoutes({ ...exchange, params: { zone } }) as never);
  const views = accounts.map(({ id, name }) => ({ id, name }));
  switch (line) {
    case "GET /accounts":
      return envelope(answerPage(views, query, 20));
    case "GET /memberships":
      return envelope(
        answerPage(
          views.map((each) => ({ id: each.id, account: each, status: "accepted" })),
          query,
          20,
        ),
      );
    case "GET /user":
      return envelope({ result: { id: "u", email: "ada@example.com" } });
    case "GET /user/tokens/verify":
      return envelope({ result: { id: "t", status: "active" } });
    case "GET /zones":
      return envelope(triggers.listZones(exchange) as never);
    default:
      throw new ApiError(404, 7003, `No route for that URI: ${line}`);
  }
}

function findFault(faults: Fault[], line: string): Fault | undefined {
  const found = faults.find(
    ({ on, times = 1 }) => times > 0 && (typeof on === "string" ? line.includes(on) : on.test(line)),
  );
  if (found?.times !== undefined) found.times -= 1;
  return found;
}

function refuseOnPurpose(fault: Fault): Reply {
  const { status, code, message, raw } = fault;
  return { status, text: raw ?? refusal(new ApiError(status, code, message)), fault };
}

function authenticate(headers: Headers, token: string, path: string): void {
  const given = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (timingSafeEqual(hash(given), hash(token))) return;
  if (path === "/user/tokens/verify") throw new ApiError(401, 1000, "Invalid API Token");
  throw new ApiError(given === "" ? 400 : 403, given === "" ? 9106 : 10_000, "Authentication error");
}

function compile(line: string): { method: string; pattern: RegExp } {
  const [method = "", path = ""] = line.split(" ");
  return { method, pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ApiError(413, 10_027, "The request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, text, fault }: Reply): void {
  if (fault?.end === "hang") return;
  const type = fault?.raw === undefined ? "application/json" : "text/html";
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...fault?.headers });
  if (fault?.end === "cut") response.write(text.slice(0, -1), () => response.destroy());
  else response.end(text);
}
