// The hosts of previews: a request to `{port}-{token}.PREVIEW_DOMAIN` goes to the program that listens on that port of a
// sandbox, and its answer back, both as streams. It stands before everything else that the Worker serves, and shares
// nothing with it: no key of ours is looked at or sent, and what a program sends can't be of the app's origin.
//
// The provider says where a port is reached and what opens it there. A visitor's own `Authorization` goes on to the program
// (docs/decisions/0026-own-preview-domain.md).
import { SandboxError } from "../../../agent/sandbox.ts";
import type { PortEntry } from "../../../agent/workspace.ts";
import { type Config, configOf, type Env } from "../../../config.ts";
import { logError } from "../../../lib/log.ts";
import { isPreviewDomain, readPreviewHost } from "../../../protocol/preview.ts";
import { describeMissing, findProvider, type SandboxProvider } from "../../../sandboxes/index.ts";
import type { StoredPreview } from "../../../store/projects/previews.ts";
import { openProjectWorkspace } from "../../sandbox.ts";
import { recallPreview } from "../previews.ts";
import { answerVisitor } from "./answers.ts";
import { AGAIN_MS, createEntryMemory, isSameEntry, LOOK_MS } from "./entries.ts";
import { isContained, isWebSocket, measureHeaders, toUpstreamHeaders, toVisitorHeaders } from "./headers.ts";

/** Most servers take less. */
const HEADER_UNITS = 32 * 1024;
/** Until the head of an answer: as long as Cloudflare itself waits for a server. */
const ANSWER_MS = 100_000;
/** The same where a body goes first, which may be large and its sender slow. */
const UPLOAD_MS = 15 * 60_000;
/** The provider's API, asked for the entry; a visitor waits for it. */
const FIND_MS = 8_000;

const entries = createEntryMemory(Date.now);

/** The answer of a preview's host; null where the request is for the app. */
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

/** What a request is passed on with. */
interface Passage {
  provider: SandboxProvider;
  link: StoredPreview;
}

async function answerHost(
  request: Request,
  visited: URL,
  host: { port: number; token: string },
  server: Server,
): Promise<Response> {
  if (measureHeaders(request.headers) > HEADER_UNITS) return answerVisitor(request, "headers_too_large");
  // Any proxy on the way may answer it with all that it was sent, the sandbox's token among it.
  if (request.method === "TRACE") return answerVisitor(request, "bad_method");
  if (!isContained(visited.pathname)) return answerVisitor(request, "bad_path");
  let link: StoredPreview | null;
  try {
    link = await recallPreview(server.env.DB, host.token);
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
    return await passOn(request, visited, { provider, link }, server);
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") return answerVisitor(request, "no_answer");
    logError("preview_unreachable", error, { what: "sandbox", project_id: link.project_id, port: link.port });
    return answerVisitor(request, "unreachable");
  }
}

async function passOn(request: Request, visited: URL, passage: Passage, server: Server): Promise<Response> {
  const { link, provider } = passage;
  const key = `${link.user_id}/${link.project_id}/${link.port}`;
  const find = () => findEntry(passage, server);
  let known = await entries.read(key, find);
  for (let isRepeat = false; ; isRepeat = true) {
    const { entry } = known;
    if (entry === null) return answerVisitor(request, "asleep");
    const answer = await send(request, visited, entry, provider);
    const refusal = await provider.proxy.judge(answer);
    if (refusal === null) return show(request, answer, visited, entry, passage);
    // What the provider says itself is about the way: no need to be sparing.
    known = await entries.read(key, find, refusal === "way" ? AGAIN_MS : LOOK_MS);
    if (known.entry === null) {
      await answer.body?.cancel();
      return answerVisitor(request, "asleep");
    }
    const isSame = isSameEntry(known.entry, entry);
    if (isSame && refusal === "unclear") return show(request, answer, visited, entry, passage);
    await answer.body?.cancel();
    if (isSame || isRepeat) return answerVisitor(request, refusal === "dead" ? "nothing_listens" : "unreachable");
    if (request.body !== null) return answerVisitor(request, "restarted");
  }
}

async function findEntry({ link, provider }: Passage, { env, config }: Server): Promise<PortEntry | null> {
  const { user_id, project_id, port } = link;
  // What it is made of and since when is of no account to who never makes one.
  const project = { user_id, project_id, project: null, created_at: "" };
  const workspace = await openProjectWorkspace({ config, provider, database: env.DB, ...project });
  return workspace.findEntry(port, AbortSignal.timeout(FIND_MS)).catch((error: unknown) => {
    throw error instanceof DOMException ? new Error("The sandbox provider gave no answer in time") : error;
  });
}

/** Rejects with a `TimeoutError` where the program took the request and says nothing. */
async function send(request: Request, visited: URL, entry: PortEntry, { proxy }: SandboxProvider): Promise<Response> {
  const { method, headers, signal } = request;
  const hasBody = request.body !== null && method !== "GET" && method !== "HEAD";
  const end = new AbortController();
  const timer = setTimeout(
    () => end.abort(new DOMException("no answer", "TimeoutError")),
    hasBody ? UPLOAD_MS : ANSWER_MS,
  );
  // Also after the head: a stream that says nothing for long would not notice that its visitor has gone.
  signal.addEventListener("abort", () => end.abort(signal.reason), { once: true });
  try {
    return await fetch(`${entry.address}${visited.pathname}${visited.search}`, {
      method,
      headers: toUpstreamHeaders(headers, visited, entry, proxy),
      body: hasBody ? request.body : null,
      redirect: "manual",
      // Cloudflare would keep scripts and images of a program that is being written, for hours.
      cache: "no-store",
      signal: end.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

function show(
  request: Request,
  answer: Response,
  visited: URL,
  entry: PortEntry,
  { link, provider }: Passage,
): Response {
  const headers = toVisitorHeaders(answer.headers, visited, { entry, port: link.port, proxy: provider.proxy });
  const { status, statusText, webSocket } = answer;
  try {
    if (webSocket && isWebSocket(request.headers)) return new Response(null, { status: 101, webSocket, headers });
    return new Response(answer.body, { status, statusText, headers });
  } catch {
    // A status or a header that HTTP doesn't have.
    return answerVisitor(request, "bad_answer");
  }
}
