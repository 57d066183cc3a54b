import { afterEach, describe, expect, it, vi } from "vitest";
import { daytonaProxy, openingHeaders } from "./preview-proxy.ts";

const json = { "content-type": "application/json" };
const said = (statusCode: number) =>
  JSON.stringify({ path: "/x", timestamp: "2026-11-24T10:00:00Z", statusCode, message: "Is the Sandbox started?" });

afterEach(() => void vi.useRealTimers());

describe("an answer", () => {
  it.each([
    ["that nothing listens", new Response(null, { status: 502, headers: { "content-length": "0" } }), "dead"],
    ["that the connection broke", new Response(said(502), { status: 502, headers: json }), "dead"],
    ["that the sandbox has no address", new Response(said(400), { status: 400, headers: json }), "way"],
    ["that the sandbox is gone", new Response(said(404), { status: 404, headers: json }), "way"],
    ["that the token is an old one", new Response(said(401), { status: 401, headers: json }), "way"],
    ["that it failed", new Response(said(500), { status: 500, headers: json }), "way"],
    ["of a proxy that is overloaded", new Response(null, { status: 503 }), "unclear"],
    ["that wants a token", new Response("no", { status: 401 }), "unclear"],
    ["that refuses one", new Response("no", { status: 403 }), "unclear"],
  ])("%s may be of what stands before the program", async (_what, answer, kind) => {
    expect(await daytonaProxy.judge(answer)).toBe(kind);
  });

  it.each([
    ["success", new Response(said(502), { headers: json })],
    ["page that is missing", new Response("no such page", { status: 404 })],
    ["empty 404", new Response(null, { status: 404 })],
    ["JSON of its own", new Response('{"statusCode":404,"message":"Not Found"}', { status: 404, headers: json })],
    ["broken JSON", new Response('{"statusCode":', { status: 502, headers: json })],
    ["502 of its own", new Response("upstream is down", { status: 502 })],
    ["long JSON", new Response(JSON.stringify("x".repeat(5000)), { status: 502, headers: json })],
    ["failure", new Response("oh", { status: 500 })],
  ])("that is a program's %s is taken for that, and stays whole", async (_what, answer) => {
    const whole = await answer.clone().text();
    expect(await daytonaProxy.judge(answer)).toBeNull();
    expect(await answer.text()).toBe(whole);
  });

  it("that a program never finishes is on its way to the visitor soon", async () => {
    vi.useFakeTimers();
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        source = controller;
      },
    });
    source.enqueue(new TextEncoder().encode('{"error":'));
    const answer = new Response(body, { status: 500, headers: json });
    const judged = daytonaProxy.judge(answer);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await judged).toBeNull();
    source.enqueue(new TextEncoder().encode("1}"));
    source.close();
    expect(await answer.text()).toBe('{"error":1}');
  });
});

describe("what is the proxy's own", () => {
  it("is each of its headers and cookies, and no other", () => {
    const { isOwnHeader, isOwnCookie } = daytonaProxy;
    const headers = [
      "x-daytona-authorization",
      "x-daytona-skip-last-activity-update",
      ...Object.keys(openingHeaders("")),
    ];
    expect(headers.filter((name) => !isOwnHeader(name))).toEqual([]);
    const cookies = ["DAYTONA-sandbox-auth-x", "daytona-preview-page-accepted"];
    expect(cookies.filter((name) => !isOwnCookie(name))).toEqual([]);
    expect([isOwnHeader("authorization"), isOwnCookie("session"), isOwnCookie("my-daytona-x")]).not.toContain(true);
  });

  it("is the token that opens the sandbox, without a page that warns and without its own CORS", () => {
    expect(openingHeaders("secret")).toEqual({
      "x-daytona-preview-token": "secret",
      "x-daytona-skip-preview-warning": "true",
      "x-daytona-disable-cors": "true",
    });
  });
});

describe("a redirect that the proxy has rewritten", () => {
  const entry = { address: "https://proxy.daytona.example/toolbox/box-1/proxy/3000", headers: {} };

  it.each(["/home?a=1#b", "there", "", "https://example.com/x", "//0.0.0.0:3000/x"])(
    "to %s is read as that",
    (sent) => {
      expect(daytonaProxy.readLocation(`/toolbox/box-1${sent}`, entry, 3000)).toBe(sent);
      expect(daytonaProxy.readLocation(sent, entry, 3000)).toBe(sent);
    },
  );
});
