import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkKeys } from "./checks.ts";

let server: http.Server;
let url: string;
let seen: { line: string; headers: http.IncomingHttpHeaders }[];
/** By the beginning of the address. */
let answers: Record<string, [status: number, body: unknown, more?: "hangs"]>;

beforeAll(async () => {
  server = http.createServer((request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    const [status, body, more] = Object.entries(answers).find(([path]) => request.url?.startsWith(path))?.[1] ?? [
      404,
      {},
    ];
    if (more === "hangs") return;
    response.writeHead(status, { "content-type": "application/json", location: "/elsewhere" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  seen = [];
});

describe("keys", () => {
  it("are shown to their own server alone, each as that server wants it", async () => {
    const found = { results: [{ url: "https://a.example", title: "A", content: "a" }] };
    answers = {
      "/v1/models": [200, { data: [{ id: "small" }] }],
      "/other/models": [200, { data: [] }],
      "/daytona/sandbox/paginated": [200, { items: [] }],
      "/tavily/search": [200, found],
      "/issuer/.well-known/openid-configuration": [200, {}],
    };
    const servers = { other: { base_url: `${url}/other`, key: "other-key", provider: "azure" } };
    const checks = await checkKeys(
      {
        ...{ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "model-key", OPENAI_MODEL: "large" },
        ...{ MODEL_SERVERS: JSON.stringify(servers), TAVILY_API_KEY: "tavily-key", OIDC_ISSUER: `${url}/issuer` },
        ...{ DAYTONA_API_URL: `${url}/daytona/`, DAYTONA_API_KEY: "daytona-key" },
      },
      { search_urls: { tavily: `${url}/tavily` } },
    );
    expect(checks.map(({ name, outcome }) => `${name}: ${outcome}`)).toEqual([
      ...["models: unknown", "models of other: accepted", "sandboxes: accepted", "search tavily: accepted"],
      "sign-in: accepted",
    ]);
    expect(checks[0]?.text).toContain("lists no model large: correct OPENAI_MODEL");
    const keyOf = (path: string) => {
      const { headers } = seen.find(({ line }) => line.includes(path)) ?? {};
      return headers?.authorization ?? headers?.["api-key"];
    };
    expect(["/v1/models", "/other/models", "/daytona/", "/tavily/", "/issuer/"].map(keyOf)).toEqual([
      ...["Bearer model-key", "other-key", "Bearer daytona-key", "Bearer tavily-key"],
      undefined,
    ]);
  });

  it.each([
    [401, "refused"],
    [403, "refused"],
    [302, "refused"],
    [429, "accepted"],
    [404, "unknown"],
    [502, "unreachable"],
  ] as const)("that are answered with %i count as %s", async (status, outcome) => {
    answers = { "/": [status, { error: "model-key is not a key" }] };
    const settings = { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "model-key" };
    const [check] = await checkKeys({ ...settings, DAYTONA_API_KEY: "" });
    const setting = outcome === "unreachable" ? "OPENAI_BASE_URL" : "OPENAI_API_KEY";
    expect(check).toMatchObject({ outcome, setting });
    expect(check?.text).not.toContain("model-key");
    expect(seen).toHaveLength(1);
  });

  it.each([
    ["with a page", "refused", "answers something else than JSON", "<title>Sign in</title>", undefined],
    ["with more than a list is", "unreachable", "answers more than 8 MB", " ".repeat(8 * 1024 * 1024 + 1), undefined],
    ["with nothing at all", "unreachable", "does not answer within 0.3 s", "", "hangs"],
  ] as const)("that are answered %s count as %s", async (_what, outcome, words, body, more) => {
    answers = { "/": [200, body, more] };
    const settings = { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "model-key" };
    const [check] = await checkKeys(settings, { answer_ms: more === undefined ? 15_000 : 300 });
    expect(check).toMatchObject({ outcome, text: expect.stringContaining(words) });
  });

  it("are not sent to an address with a password in it, which is not shown", async () => {
    answers = { "/": [200, {}] };
    const address = url.replace("http://", "http://ada:pass-word@");
    const [check] = await checkKeys({ OPENAI_BASE_URL: address, OPENAI_API_KEY: "model-key" });
    expect(check).toMatchObject({ outcome: "refused", text: expect.stringContaining("a user or a password") });
    expect(check?.text).not.toContain("pass-word");
    expect(seen).toEqual([]);
  });

  it("whose server is not there count as unreachable", async () => {
    const closed = http.createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const nowhere = `http://127.0.0.1:${port}`;
    const checks = await checkKeys({
      ...{ OPENAI_BASE_URL: nowhere, OPENAI_API_KEY: "k", DAYTONA_API_URL: nowhere, DAYTONA_API_KEY: "k" },
      SEARXNG_URL: nowhere,
    });
    expect(checks.map(({ outcome }) => outcome)).toEqual(["unreachable", "unreachable", "unreachable"]);
    expect(checks.map(({ setting }) => setting)).toEqual(["OPENAI_BASE_URL", "DAYTONA_API_URL", "SEARXNG_URL"]);
    expect(checks[0]?.text).toBe(`127.0.0.1:${port} can't be reached: nothing listens there`);
  });
});
