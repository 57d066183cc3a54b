// The preview hosts: forwards a request to `{port}-{token}.PREVIEW_DOMAIN` to the program that listens on that port of
// a sandbox, and its answer back, both as streams. It runs before all other routes of the Worker and shares nothing
// with them: it neither reads nor sends our API keys, and a program's answer never has the app's origin.
//
// The provider supplies a port's endpoint and the headers that grant access to it. A visitor's own `Authorization` is
// forwarded to the program (docs/decisions/0026-own-preview-domain.md).
import { SandboxError } from "../../../agent/sandbox.ts";
import type { PortEndpoint } from "../../../agent/workspace.ts";
import { type Config, configOf, type Env } from "../../../config.ts";
import { logError } from "../../../lib/log.ts";
import { isPreviewDomain, readPreviewHost } from "../../../protocol/preview.ts";
import { describeMissing, findProvider, type SandboxProvider } from "../../../sandboxes/index.ts";
import { isFormerDatabase } from "../../../store/monitor/schema-version.ts";
import type { StoredPreview } from "../../../store/projects/previews.ts";
import { clock } from "../../../thread/ports.ts";
import { openProjectWorkspace } from "../../sandbox.ts";
import { readCachedPreview } from "../previews.ts";
import { answerVisitor } from "./answers.ts";
import { createEndpointCache, isSameEndpoint, LOOK_UP_AGAIN_MS, LOOK_UP_MS } from "./endpoints.ts";
import { isContained, isWebSocket, measureHeaders, toUpstreamHeaders, toVisitorHeaders } from "./headers.ts";

/** Most servers accept less. */
const MAX_HEADER_UNITS = 32 * 1024;
/** The timeout until an answer's headers: as long as Cloudflare itself waits for a server. */
const ANSWER_MS = 100_000;
/** The same for a request with a body, which may be large and its sender slow. */
const UPLOAD_MS = 15 * 60_000;
/** The timeout of the provider's API for the endpoint, while a visitor waits. */
const FIND_MS = 8_000;

const endpoints = createEndpointCache(Date.now);

/** The answer of a preview host; null if the request is for the app. */
export function servePreview(request: Request, env: Env): Promise<Response> | null {
  const config = configOf(env);
  if (config.preview_domain === null || !isPreviewDomain(config.preview_domain)) return null;
  const visited = new URL(request.url);
  const host = readPreviewHost(visited.hostname, config.preview_domain);
  if (host.kind === "other") return null;
  if (host.kind === "apex") return Promise.resolve(answerVisitor(request, "bad_domain"));
  if (host.kind === "unknown") return Promise.resolve(answerVisitor(request, "unknown_link"));
  return answerHost(request, visited, host, { env, config });
}

interface Server {
  env: Env;
  config: Config;
}

interface Visit {
  provider: SandboxProvider;
  link: StoredPreview;
}

async function answerHost(
  request: Request,
  visited: URL,
  host: { port: number; token: string },
  server: Server,
): Promise<Response> {
  if (measureHeaders(request.headers) > MAX_HEADER_UNITS) return answerVisitor(request, "headers_too_large");
  // Any proxy in between may answer TRACE with the request it received, including the sandbox's token.
  if (request.method === "TRACE") return answerVisitor(request, "bad_method");
  if (!isContained(visited.pathname)) return answerVisitor(request, "bad_path");
  if (await isFormerDatabase(server.env.DB, clock)) return answerVisitor(request, "unreachable");
  let link: StoredPreview | null;
  try {
    link = await readCachedPreview(server.env.DB, host.token);
  } catch (error) {
    logError("preview_unreachable", error, { what: "D1" });
    return answerVisitor(request, "unreachable");
  }
  const isOpen = link !== null && link.port === host.port && Date.parse(link.expires_at) > Date.now();
  if (link === null || !isOpen) return answerVisitor(request, "unknown_link");
  try {
    const provider = findProvider(server.config);
    if (provider === null) throw new SandboxError("unavailable", describeMissing());
    if (provider.own_ports.has(link.port)) return answerVisitor(request, "unknown_link");
    return await forward(request, visited, { provider, link }, server);
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") return answerVisitor(request, "no_answer");
    logError("preview_unreachable", error, { what: "sandbox", project_id: link.project_id, port: link.port });
    return answerVisitor(request, "unreachable");
  }
}

async function forward(request: Request, visited: URL, visit: Visit, server: Server): Promise<Response> {
  const { link, provider } = visit;
  const key = `${link.user_id}/${link.project_id}/${link.port}`;
  const find = () => findEndpoint(visit, server);
  let known = await endpoints.read(key, find);
  for (let isRepeat = false; ; isRepeat = true) {
    const { endpoint } = known;
    if (endpoint === null) return answerVisitor(request, "asleep");
    const answer = await send(request, visited, endpoint, provider);
    const refusal = await provider.proxy.readRefusal(answer);
    if (refusal === null) return respond(request, answer, visited, endpoint, visit);
    // A refusal by the provider's proxy is a certain sign of an outdated endpoint, so it may be looked up again sooner.
    known = await endpoints.read(key, find, refusal === "proxy" ? LOOK_UP_AGAIN_MS : LOOK_UP_MS);
    if (known.endpoint === null) {
      await answer.body?.cancel();
      return answerVisitor(request, "asleep");
    }
    const isSame = isSameEndpoint(known.endpoint, endpoint);
    if (isSame && refusal === "unclear") return respond(request, answer, visited, endpoint, visit);
    await answer.body?.cancel();
    if (isSame || isRepeat)
      return answerVisitor(request, refusal === "no_listener" ? "nothing_listens" : "unreachable");
    if (request.body !== null) return answerVisitor(request, "restarted");
  }
}

async function findEndpoint({ link, provider }: Visit, { env, config }: Server): Promise<PortEndpoint | null> {
  const { user_id, project_id, port } = link;
  // The project's settings and creation time don't matter here, since a visit never creates a sandbox.
  const project = { user_id, project_id, project: null, created_at: "" };
  const workspace = await openProjectWorkspace({ config, provider, database: env.DB, ...project });
  return workspace.findEndpoint(port, AbortSignal.timeout(FIND_MS)).catch((error: unknown) => {
    throw error instanceof DOMException ? new Error("The sandbox provider gave no answer in time") : error;
  });
}

/** Rejects with a `TimeoutError` if the program accepts the request and does not answer. */
async function send(
  request: Request,
  visited: URL,
  endpoint: PortEndpoint,
  { proxy }: SandboxProvider,
): Promise<Response> {
  const { method, headers, signal } = request;
  const hasBody = request.body !== null && method !== "GET" && method !== "HEAD";
  const end = new AbortController();
  const timer = setTimeout(
    () => end.abort(new DOMException("no answer", "TimeoutError")),
    hasBody ? UPLOAD_MS : ANSWER_MS,
  );
  // Stays registered after the headers: a silent stream would not notice that its visitor has left.
  signal.addEventListener("abort", () => end.abort(signal.reason), { once: true });
  try {
    return await fetch(`${endpoint.address}${visited.pathname}${visited.search}`, {
      method,
      headers: toUpstreamHeaders(headers, visited, endpoint, proxy),
      body: hasBody ? request.body : null,
      redirect: "manual",
      // Cloudflare would otherwise cache scripts and images of a program under development for hours.
      cache: "no-store",
      signal: end.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

function respond(
  request: Request,
  answer: Response,
  visited: URL,
  endpoint: PortEndpoint,
  { link, provider }: Visit,
): Response {
  const headers = toVisitorHeaders(answer.headers, visited, { endpoint, port: link.port, proxy: provider.proxy });
  const { status, statusText, webSocket } = answer;
  try {
    if (webSocket && isWebSocket(request.headers)) return new Response(null, { status: 101, webSocket, headers });
    return new Response(answer.body, { status, statusText, headers });
  } catch {
    // The program sent a status or a header that is not valid HTTP.
    return answerVisitor(request, "bad_answer");
  }
}
