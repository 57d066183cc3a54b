// What a path outside the API is, for a browser and for a program, with the page as `npm start` serves it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModel } from "../../dev/model/server.ts";
import { makeState, type StartedServer, startServer } from "../setup/started-server.ts";

const NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ORIGIN = "https://app.example";

let server: StartedServer;
let close: () => Promise<void>;

beforeAll(async () => {
  const [place, model] = await Promise.all([makeState(), startModel({ port: 0, tokensPerSecond: 0 })]);
  const models = { OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "demo" };
  server = await startServer(place.state, { ...models, CORS_ORIGINS: ORIGIN });
  close = async () => {
    await server.stop();
    await model.close();
    await place.removeState();
  };
});

afterAll(() => close());

interface Seen {
  status: number;
  type: string | null;
  headers: Headers;
  text: string;
}

async function ask(path: string, accept: string | null, init: RequestInit = {}): Promise<Seen> {
  const headers = { ...(accept === null ? {} : { accept }), ...init.headers };
  const answer = await fetch(`${server.url}${path}`, { redirect: "manual", ...init, headers });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get("content-type"), headers: answer.headers, text };
}

const isPage = ({ status, type, text }: Seen) =>
  status === 200 && /^text\/html/.test(type ?? "") && text.includes('<div id="app">');

function problemOf({ status, type, text }: Seen): { status: number; code: string; detail: string } {
  expect([status, type]).toEqual([404, "application/problem+json"]);
  return JSON.parse(text);
}

describe("a program that guesses", () => {
  it.each([
    ["/.well-known/oauth-protected-resource", "application/json", /Authorization: Bearer KEY/],
    ["/mcp", "application/json, text/event-stream", /POST \/ag-ui/],
    ["/sse", "text/event-stream", /POST \/ag-ui/],
    ["/swagger.json", "*/*", /GET \/openapi\.json/],
    ["/api-docs", "*/*", /GET \/openapi\.json/],
    ["/v1/openapi.json", "*/*", /GET \/openapi\.json/],
    ["/health", null, /GET \/healthz/],
    ["/threads", "application/json", /below \/v1/],
    ["/_taskloom/index-of-another-build.js", "*/*", /below \/v1/],
  ])("gets 404 for GET %s with Accept: %s, and a hint", async (path, accept, hint) => {
    const seen = await ask(path, accept);
    expect(problemOf(seen)).toMatchObject({ status: 404, code: "not_found", detail: expect.stringMatching(hint) });
    expect(seen.headers.get("x-request-id")).toBeTruthy();
  });

  it.each(["/mcp", "/chat/completions", "/v1/chat/completions", "/v1/responses", "/", "/index.html", "/any/where"])(
    "gets 404 with a body for POST %s, also a form of a browser",
    async (path) => {
      for (const accept of ["application/json", NAVIGATION]) {
        const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"jsonrpc":"2.0"}' };
        expect(problemOf(await ask(path, accept, init)).detail).toMatch(/^There is no POST on this path\. \S/);
      }
    },
  );

  it("gets the same headers and no body for HEAD", async () => {
    const seen = await ask("/mcp", "*/*", { method: "HEAD" });
    expect([seen.status, seen.type, seen.text]).toEqual([404, "application/problem+json", ""]);
    const page = await ask("/any/where", NAVIGATION, { method: "HEAD" });
    expect([page.status, page.text]).toEqual([200, ""]);
  });
});

describe("a browser of another origin", () => {
  it("reads the 404, and its preflight is answered", async () => {
    const asked = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
    const preflight = await ask("/mcp", "*/*", { method: "OPTIONS", headers: { origin: ORIGIN, ...asked } });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, ORIGIN]);
    for (const method of ["GET", "POST"]) {
      const seen = await ask("/mcp", "*/*", { method, headers: { origin: ORIGIN } });
      expect(problemOf(seen).code).toBe("not_found");
      expect(seen.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    }
  });

  it("gets no leave for OPTIONS without an origin, and still an answer with a body", async () => {
    expect(problemOf(await ask("/mcp", "*/*", { method: "OPTIONS" })).detail).toMatch(/OPTIONS/);
  });
});

describe("the page", () => {
  it("is at / for everybody", async () => {
    for (const accept of ["*/*", "application/json", NAVIGATION, null])
      expect(isPage(await ask("/", accept))).toBe(true);
  });

  it("is at any path outside the API for whoever asks for HTML", async () => {
    for (const path of ["/threads/thread-001", "/mcp", "/a/b.c", "/%E4%BD%A0"]) {
      const seen = await ask(`${path}?from=mail`, NAVIGATION);
      expect([path, isPage(seen)]).toEqual([path, true]);
      expect(seen.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });

  it("is not given to a program by a cache, nor its 404 to a person", async () => {
    for (const accept of ["*/*", NAVIGATION])
      expect((await ask("/any/where", accept)).headers.get("vary")).toMatch(/Accept/);
  });

  it("is asked for anew where a browser has it already", async () => {
    const etag = (await ask("/any/where", NAVIGATION)).headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const again = await ask("/any/where", NAVIGATION, { headers: { "if-none-match": etag } });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  it("has files for everybody", async () => {
    const [, script = ""] = /src="(\/_taskloom\/[^"]+\.js)"/.exec((await ask("/", "*/*")).text) ?? [];
    for (const path of [script, "/icon.svg", "/_taskloom/docs.js"]) {
      const seen = await ask(path, "*/*");
      expect([seen.status, seen.type]).toEqual([200, expect.stringMatching(/javascript|svg/)]);
    }
  });
});
