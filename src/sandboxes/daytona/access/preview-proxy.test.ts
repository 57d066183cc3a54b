import { afterEach, describe, expect, it, vi } from "vitest";
import { daytonaProxy, openingHeaders } from "./preview-proxy.ts";

const json = { "content-type": "application/json" };
const said = (statusCode: number) =>
  JSON.stringify({ path: "/x", timestamp: "2026-11-24T10:00:00Z", statusCode, message: "Is the Sandbox started?" });

afterEach(() => void vi.useRealTimers());

describe("readRefusal", () => {
  it.each([
    [
      "empty 502 for a port without a listener",
      new Response(null, { status: 502, headers: { "content-length": "0" } }),
      "no_listener",
    ],
    ["refusal after a broken connection", new Response(said(502), { status: 502, headers: json }), "no_listener"],
    ["refusal for a sandbox without an address", new Response(said(400), { status: 400, headers: json }), "proxy"],
    ["refusal for a sandbox that is gone", new Response(said(404), { status: 404, headers: json }), "proxy"],
    ["refusal of an outdated token", new Response(said(401), { status: 401, headers: json }), "proxy"],
    ["failure of its own", new Response(said(500), { status: 500, headers: json }), "proxy"],
    ["empty 503 of an overloaded proxy", new Response(null, { status: 503 }), "unclear"],
    ["plain 401", new Response("no", { status: 401 }), "unclear"],
    ["plain 403", new Response("no", { status: 403 }), "unclear"],
  ])("attributes a proxy's %s to the proxy, or leaves it unclear", async (_what, answer, kind) => {
    expect(await daytonaProxy.readRefusal(answer)).toBe(kind);
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
  ])("attributes a program's %s to the program, and leaves the body intact", async (_what, answer) => {
    const whole = await answer.clone().text();
    expect(await daytonaProxy.readRefusal(answer)).toBeNull();
    expect(await answer.text()).toBe(whole);
  });

  it("returns after a second if the program does not finish its answer", async () => {
    vi.useFakeTimers();
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        source = controller;
      },
    });
    source.enqueue(new TextEncoder().encode('{"error":'));
    const answer = new Response(body, { status: 500, headers: json });
    const judged = daytonaProxy.readRefusal(answer);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await judged).toBeNull();
    source.enqueue(new TextEncoder().encode("1}"));
    source.close();
    expect(await answer.text()).toBe('{"error":1}');
  });
});

describe("the proxy's own headers and cookies", () => {
  it("are recognized, and no others", () => {
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

  it("grant access to the sandbox, and switch off the warning page and CORS", () => {
    expect(openingHeaders("secret")).toEqual({
      "x-daytona-preview-token": "secret",
      "x-daytona-skip-preview-warning": "true",
      "x-daytona-disable-cors": "true",
    });
  });
});

describe("readLocation", () => {
  const entry = { address: "https://proxy.daytona.example/toolbox/box-1/proxy/3000", headers: {} };

  it.each(["/home?a=1#b", "there", "", "https://example.com/x", "//0.0.0.0:3000/x"])(
    "restores a redirect to %s that the proxy rewrote",
    (sent) => {
      expect(daytonaProxy.readLocation(`/toolbox/box-1${sent}`, entry, 3000)).toBe(sent);
      expect(daytonaProxy.readLocation(sent, entry, 3000)).toBe(sent);
    },
  );
});
