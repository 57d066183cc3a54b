/**
 * Connects one git operation in a sandbox to its remote, and nothing else.
 *
 * Sandboxes have no network, and no password may enter one. So git inside speaks plain HTTP to a port of its own
 * loopback interface. Each connection there arrives here, outside the sandbox, where its requests are read and sent
 * again to the operation's one repository, with the Authorization header that git never sees. Only the two requests of
 * the one service (read or write) pass: other code in the sandbox may use the port while it is open, and gets no
 * further than git does.
 */

import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import {
  type ClientRequest,
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { BlockList, isIP, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Container } from "./container.ts";
import { HttpError } from "./http.ts";
import { frameKind, parseJson } from "./keeper/channel.ts";

export type GitService = "git-upload-pack" | "git-receive-pack";
const services: GitService[] = ["git-upload-pack", "git-receive-pack"];

interface RelayOptions {
  /** `http(s)://host/path` without user and password. */
  repository: URL;
  /** Undefined: the one that is asked for first. */
  service: GitService | undefined;
  /** The Authorization header of the operation's own credentials. */
  authorization: string | undefined;
  /** Called once when the host requires credentials and `authorization` is missing. */
  findAuthorization: () => Promise<string | undefined>;
  /** Accepts any certificate. */
  isInsecure: boolean;
  /** Whether the host may be on this machine or in a private network. */
  mayBePrivate: boolean;
}

/** A host that is silent for so long is gone. git itself may take as long to prepare what it sends. */
const idleMs = 300_000;
const connectMs = 30_000;
const maxRedirects = 5;
const maxSockets = 8;
/** git makes one or two. More at once are not git's. */
const maxConnections = 16;
/** git holds the list of branches and tags in memory as a whole; a million of them fit. */
const maxListBytes = 64 * 1024 * 1024;
/** Headers of git's requests that a host needs. Excludes git's own credentials. */
const passedUp = [
  ...["accept", "accept-encoding", "accept-language", "user-agent", "git-protocol"],
  ...["content-type", "content-encoding", "content-length", "transfer-encoding"],
];
const passedDown = ["content-type", "content-encoding", "content-length", "cache-control", "expires", "pragma"];

export class Relay {
  /** Why the last request failed, in the daemon's terms: git itself learns only a part of it. */
  failure: HttpError | undefined;
  readonly #options: RelayOptions;
  readonly #server: Server;
  readonly #agents: Record<string, HttpAgent>;
  readonly #sockets = new Set<Socket>();
  #isClosed = false;
  /** The repository's current address: a host may have redirected us. */
  #base: string;
  #authorization: string | undefined;
  #service: GitService | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#service = options.service;
    this.#base = options.repository.href.replace(/\/+$/, "");
    this.#authorization = options.authorization;
    const settings = { keepAlive: true, maxSockets };
    this.#agents = { "http:": new HttpAgent(settings), "https:": new HttpsAgent(settings) };
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      void this.#serve(request, response).catch((error: unknown) => this.#refuse(response, this.#describe(error)));
    });
  }

  /** Whether one more connection may be taken over. */
  get isOpen(): boolean {
    return !this.#isClosed && this.#sockets.size < maxConnections;
  }

  /** Serves a connection that came out of the sandbox. */
  accept(socket: Socket): void {
    // The operation may have ended while the connection was on its way.
    if (!this.isOpen) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#server.emit("connection", socket);
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#service ??= services.find((name) => request.url?.endsWith(`/info/refs?service=${name}`));
    const service = this.#service ?? "";
    const asks = request.method === "GET" && request.url === `/repository/info/refs?service=${service}`;
    const works = request.method === "POST" && request.url === `/repository/${service}`;
    if (asks)
      await this.#pass(this.#requireRepository(await this.#discover(request, response)), response, maxListBytes);
    else if (works) await this.#pass(await this.#send(request, response, `${this.#base}/${service}`), response);
    else throw new HttpError(403, "this relay reaches one repository only", "FORBIDDEN");
  }

  /** The first request, which finds out where the repository is and who may use it. */
  async #discover(request: IncomingMessage, response: ServerResponse): Promise<IncomingMessage> {
    const suffix = `/info/refs?service=${this.#service}`;
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      const answer = await this.#send(request, response, this.#base + suffix);
      const status = answer.statusCode ?? 502;
      if (status === 401 && this.#authorization === undefined) {
        this.#authorization = await this.#options.findAuthorization();
        if (this.#authorization === undefined) return answer;
      } else if (status >= 300 && status < 400) {
        this.#base = this.#follow(answer.headers.location, suffix);
      } else return answer;
      answer.resume();
    }
    throw transportFailure("the host redirects without end");
  }

  /** git would take an HTML page for a repository of the old protocol, ask on, and end with an empty clone. */
  #requireRepository(answer: IncomingMessage): IncomingMessage {
    const { repository } = this.#options;
    const service = this.#service;
    const type = answer.headers["content-type"] ?? "";
    if (answer.statusCode !== 200 || type.startsWith(`application/x-${service}-advertisement`)) return answer;
    answer.resume();
    throw new HttpError(404, `there is no git repository at ${repository}`, "GIT_REPO_NOT_FOUND");
  }

  /** Follows redirects on the same host only, and only to a repository's path: no other host gets the password. */
  #follow(location: string | undefined, suffix: string): string {
    const from = new URL(this.#base);
    const target = location !== undefined && URL.canParse(location, from) ? new URL(location, `${this.#base}/`) : from;
    const isUpgrade = from.protocol === "http:" && target.protocol === "https:" && from.port === "";
    if (target.host !== from.host || (target.protocol !== from.protocol && !isUpgrade))
      throw transportFailure("the host redirects to another host, which is not followed");
    const path = target.pathname + target.search;
    if (!path.endsWith(suffix)) throw transportFailure("the host redirects to a page that is no repository");
    return target.origin + path.slice(0, -suffix.length);
  }

  #send(request: IncomingMessage, response: ServerResponse, address: string): Promise<IncomingMessage> {
    const url = new URL(address);
    const { isInsecure, mayBePrivate } = this.#options;
    if (!mayBePrivate && isPrivateLiteral(url.hostname)) throw new PrivateAddressError(url.hostname);
    const headers = pickHeaders(request, passedUp);
    if (this.#authorization !== undefined) headers.authorization = this.#authorization;
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const upstream = send(address, {
        method: request.method,
        headers,
        agent: this.#agents[url.protocol],
        timeout: idleMs,
        ...(isInsecure ? { rejectUnauthorized: false } : {}),
        ...(mayBePrivate ? {} : { lookup: lookUpPublic }),
      });
      upstream.once("timeout", () => upstream.destroy(new Error(`no answer within ${idleMs / 1000} seconds`)));
      limitConnecting(upstream);
      upstream.once("error", reject);
      upstream.once("response", (answer) => {
        // A response that is discarded may end early, which is no error.
        answer.on("error", () => {});
        resolve(answer);
      });
      response.once("close", () => {
        if (!response.writableFinished) upstream.destroy();
      });
      if (request.method === "POST") request.pipe(upstream);
      else upstream.end();
    });
  }

  async #pass(answer: IncomingMessage, response: ServerResponse, maxBytes = Number.POSITIVE_INFINITY): Promise<void> {
    const status = answer.statusCode ?? 502;
    if (status !== 200) {
      answer.resume();
      throw this.#explain(status);
    }
    this.failure = undefined;
    response.writeHead(status, pickHeaders(answer, passedDown));
    await pipeline(answer, (source) => this.#bound(source, maxBytes), response);
  }

  async *#bound(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const piece of source) {
      bytes += piece.length;
      if (bytes > maxBytes)
        throw transportFailure(`${this.#options.repository.host} lists branches and tags without end`);
      yield piece;
    }
  }

  #explain(status: number): HttpError {
    const { repository } = this.#options;
    if (status === 401) return new HttpError(401, `authentication failed for ${repository}`, "GIT_AUTH_FAILED");
    if (status === 403) return new HttpError(403, `access to ${repository} was refused`, "GIT_AUTH_FAILED");
    if (status === 404 || status === 410)
      return new HttpError(404, `repository ${repository} was not found`, "GIT_REPO_NOT_FOUND");
    return transportFailure(`${repository.host} answered ${status}`);
  }

  #describe(error: unknown): HttpError {
    if (error instanceof HttpError) return error;
    if (error instanceof PrivateAddressError) {
      const { host } = this.#options.repository;
      return transportFailure(
        `${host} leads to this machine or into a private network, which is reached only by an address that a client of this API named (a name needs ALLOW_PRIVATE_URLS=1)`,
      );
    }
    return transportFailure(`${this.#options.repository.host} can't be reached: ${spellReason(error)}`);
  }

  #refuse(response: ServerResponse, error: HttpError): void {
    this.failure = error;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // A 401 would make git look for a password inside the sandbox.
    response.writeHead(error.status === 401 ? 403 : error.status, {
      "content-type": "text/plain",
      connection: "close",
    });
    response.end(error.message);
  }
}

/** A machine that is not there may not answer for minutes. */
function limitConnecting(upstream: ClientRequest): void {
  const timer = setTimeout(
    () => upstream.destroy(new Error(`no connection in ${connectMs / 1000} seconds`)),
    connectMs,
  );
  const settle = (): void => clearTimeout(timer);
  upstream.once("close", settle);
  upstream.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", settle);
    else settle();
  });
}

function spellReason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown reason";
  return "code" in error ? String(error.code) : error.message;
}

function transportFailure(message: string): HttpError {
  return new HttpError(502, message, "GIT_TRANSPORT_FAILED");
}

function pickHeaders(message: IncomingMessage, names: string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name of names) if (message.headers[name] !== undefined) headers[name] = message.headers[name];
  return headers;
}

const privateAddresses = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Serves machines in Azure their own settings.
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  privateAddresses.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  // Also IPv4 addresses in other forms: compatible, translated, NAT64 of a private network, 6to4.
  ["::", 96],
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  privateAddresses.addSubnet(network, prefix, "ipv6");
}

/** Also recognizes IPv6 addresses that contain an IPv4 address. */
export function isPrivateAddress(address: string): boolean {
  return privateAddresses.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

export class PrivateAddressError extends Error {}

/** Checks a literal address in a URL: Node looks up no literals, so the lookup check would miss it. */
export function isPrivateLiteral(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return isIP(address) !== 0 && isPrivateAddress(address);
}

/** Whether the relay may connect to this host if it is private. `named` are the hosts that a client named. */
export function mayBePrivate(url: URL, named: string[], namesAllowed: boolean): boolean {
  const showsIt = isPrivateLiteral(url.hostname) || url.hostname === "localhost";
  return named.includes(url.host) && (showsIt || namesAllowed);
}

type LookedUp = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** For Node's `lookup` option: resolves as usual and rejects private addresses. */
export function lookUpPublic(hostname: string, options: LookupOptions, done: LookedUp): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    if (addresses.some(({ address }) => isPrivateAddress(address))) {
      return done(new PrivateAddressError(`${hostname} is an address of a private network`), []);
    }
    const [first] = addresses;
    if (options.all || !first) return done(null, addresses);
    done(null, first.address, first.family);
  });
}

/** More at once are not git's. */
const maxRelays = 32;

/** Serves until the sandbox ends. Never rejects. */
export async function relayGit(container: Container, privateUrlsAllowed: boolean): Promise<void> {
  const relays = new Map<number, Relay>();
  try {
    const channel = await container.open("git-relays");
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind !== frameKind.json) continue;
      const { open, address, close, relay, connection } = parseJson(frame);
      if (typeof open === "number" && relays.size < maxRelays) {
        const made = makeRelay(container, open, String(address), privateUrlsAllowed);
        if (made) relays.set(open, made);
      }
      if (typeof close === "number") {
        relays.get(close)?.close();
        relays.delete(close);
      }
      const found = relays.get(Number(relay));
      if (found?.isOpen) void takeOver(container, Number(connection), found);
    }
  } catch {
    // The sandbox has ended, or its keeper was tampered with.
  }
  for (const relay of relays.values()) relay.close();
}

function makeRelay(container: Container, id: number, address: string, privateUrlsAllowed: boolean): Relay | undefined {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return undefined;
  url.username = "";
  url.password = "";
  return new Relay({
    ...{ repository: url, service: undefined, authorization: undefined, isInsecure: false },
    mayBePrivate: privateUrlsAllowed,
    findAuthorization: async () => {
      const login = (await container.ask("git-login", { relay: id })) as { username?: unknown; password?: unknown };
      if (typeof login?.username !== "string" || typeof login.password !== "string") return undefined;
      return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    },
  });
}

/** If the connection can't be taken over, git sees it fail. */
async function takeOver(container: Container, connection: number, relay: Relay): Promise<void> {
  try {
    relay.accept(await container.takeOver(connection));
  } catch {
    // The run or the sandbox has ended.
  }
}
