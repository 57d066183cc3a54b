// The stand-in search as a server: SearXNG's search API on plain `node:http`, over pages of our own that the same server
// serves. Whatever SearXNG refuses is refused here, with its words.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CorpusPage, loadCorpus } from "./corpus.ts";
import { findPages, type Hit, readQuery } from "./find.ts";
import { showResults } from "./page.ts";

export interface SearchOptions {
  /** 0 chooses a free one. */
  port: number;
  now?: () => number;
  /** Others than the files of `pages`. */
  pages?: CorpusPage[];
  /** For tests: an answer waits for it. */
  onRequest?: (path: string) => Promise<void> | void;
}

export interface RunningSearch {
  port: number;
  /** For `SEARXNG_URL`; also the origin of the pages. */
  url: string;
  close: () => Promise<void>;
}

// A request line is all that it reads.
const HEADERS_TIMEOUT_MS = 10_000;
/** SearXNG's usual page of results. */
const PAGE_SIZE = 10;
const DAY_MS = 86_400_000;
const spans: Record<string, number> = { day: 1, week: 7, month: 31, year: 366 };

export async function startSearch(options: SearchOptions): Promise<RunningSearch> {
  const { port: wanted, now = Date.now, pages = await loadCorpus(), onRequest } = options;
  let url = "";
  const server = http.createServer((request, response) => {
    const ready = Promise.resolve(onRequest?.(request.url ?? "/"));
    void ready.then(() => send(response, answer(request, { pages, url, now: now() })));
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = HEADERS_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  return {
    port,
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  status: number;
  type: "text/html" | "text/plain" | "application/json";
  body: string;
  headers?: Record<string, string>;
}

/** `url` is where the pages are, whatever host a request names. */
interface Place {
  pages: CorpusPage[];
  url: string;
  now: number;
}

function answer(request: IncomingMessage, place: Place): Answer {
  const url = URL.parse(request.url ?? "/", "http://search");
  if (request.method !== "GET" && request.method !== "HEAD") return errorPage(405, "Method Not Allowed");
  if (url === null) return errorPage(400, "Bad Request");
  if (url.pathname === "/robots.txt") return { status: 200, type: "text/plain", body: robots };
  if (url.pathname === "/" || url.pathname === "/search") return search(url.searchParams, place);
  const page = place.pages.find(({ name }) => url.pathname === `/${name}`);
  if (page === undefined) return errorPage(404, "Not Found");
  const headers: Record<string, string> =
    page.published === null ? {} : { "last-modified": new Date(page.published).toUTCString() };
  return { status: 200, type: "text/html", body: page.html, headers };
}

const robots = "User-agent: *\nDisallow: /search\n";

function search(fields: URLSearchParams, place: Place): Answer {
  const query = fields.get("q")?.trim() ?? "";
  const format = fields.get("format") ?? "";
  if (format === "csv" || format === "rss") return errorPage(403, "Forbidden");
  const wrong = findWrong(fields);
  if (wrong !== null) return errorPage(400, `Invalid value for the parameter ${wrong}`);
  const isJson = format === "json";
  if (query === "" && isJson) return json(400, { error: "No query" });
  const hits = query === "" ? [] : findHits(fields, place);
  return isJson
    ? json(200, toAnswer(query, hits, new URL(place.url)))
    : { status: 200, type: "text/html", body: showResults(query, hits, place.pages) };
}

/** The name of a parameter that SearXNG answers 400 to. Others, and names that it doesn't know, it ignores. */
function findWrong(fields: URLSearchParams): string | null {
  const allowed: [name: string, form: RegExp][] = [
    ["time_range", /^(?:day|week|month|year|None)?$/],
    ["pageno", /^[1-9]\d{0,8}$/],
    ["language", /^(?:all|auto|[a-z]{2,3}(?:-[a-zA-Z]{2})?)$/],
    ["safesearch", /^[012]$/],
    ["format", /^(?:json|html)?$/],
  ];
  return allowed.find(([name, form]) => fields.has(name) && !form.test(fields.get(name) ?? ""))?.[0] ?? null;
}

function findHits(fields: URLSearchParams, { pages, url, now }: Place): Hit[] {
  const { terms, sites } = readQuery(fields.get("q") ?? "");
  const days = spans[fields.get("time_range") ?? ""];
  if (sites.length > 0 && !sites.includes(new URL(url).hostname)) return [];
  const recent = pages.filter(
    ({ published }) => days === undefined || (published !== null && now - Date.parse(published) <= days * DAY_MS),
  );
  const first = (Number(fields.get("pageno") ?? "1") - 1) * PAGE_SIZE;
  return findPages(recent, terms).slice(first, first + PAGE_SIZE);
}

function toAnswer(query: string, hits: Hit[], { origin, host }: URL): object {
  return {
    query,
    number_of_results: hits.length,
    results: hits.map(({ page, passage, score }, index) => ({
      url: `${origin}/${page.name}`,
      title: page.title,
      content: passage,
      publishedDate: page.published,
      thumbnail: "",
      engine: "sample pages",
      template: "default.html",
      parsed_url: ["http", host, `/${page.name}`, "", "", ""],
      engines: ["sample pages"],
      positions: [index + 1],
      score,
      category: "general",
    })),
    answers: [],
    corrections: [],
    infoboxes: [],
    suggestions: [],
    unresponsive_engines: [],
  };
}

function json(status: number, body: object): Answer {
  return { status, type: "application/json", body: JSON.stringify(body) };
}

function errorPage(status: number, title: string): Answer {
  const body = `<!doctype html>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n`;
  return { status, type: "text/html", body };
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    "content-type": `${type}; charset=utf-8`,
    // The sample pages have no scripts, and the one that is hostile gets none.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    ...headers,
  });
  response.end(body);
}
