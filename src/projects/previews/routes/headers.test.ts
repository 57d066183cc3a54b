import { describe, expect, it } from "vitest";
import type { PreviewProxy } from "../../../sandboxes/index.ts";
import {
  isContained,
  keepCookies,
  toHostCookie,
  toUpstreamHeaders,
  toVisitorHeaders,
  toVisitorLocation,
} from "./headers.ts";

const visited = new URL("https://3000-token.previews.example/start");
const endpoint = { address: "https://boxes.example/box-1/proxy/3000", headers: { "x-box-token": "secret" } };
/** A provider's proxy that puts the sandbox's path before each redirect. */
const proxy: PreviewProxy = {
  isOwnHeader: (name) => name.startsWith("x-box-"),
  isOwnCookie: (name) => /^box-/i.test(name),
  readRefusal: async () => null,
  readLocation: (location) => location.replace(/^\/box-1/, ""),
};
const upstream = { endpoint, port: 3000, proxy };

describe("the headers of a visitor's request to a program", () => {
  const given = new Headers({
    accept: "text/html",
    authorization: "Basic dTpw",
    connection: "keep-alive, X-Hop",
    "x-hop": "1",
    te: "trailers",
    "proxy-authorization": "Basic x",
    expect: "100-continue",
    "cf-connecting-ip": "203.0.113.9",
    "cf-ray": "1",
    forwarded: "for=6.6.6.6",
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-proto": "ftp",
    "x-forwarded-port": "1",
    "x-real-ip": "6.6.6.6",
    "x-box-authorization": "Bearer forged",
    "x-box-token": "forged",
    cookie: "a=1; BOX-auth-x=2; b=3",
    range: "bytes=0-1",
  });

  it("are the visitor's own, with its address, the requested host and the headers of the endpoint", () => {
    expect(Object.fromEntries(toUpstreamHeaders(given, visited, endpoint, proxy))).toEqual({
      accept: "text/html",
      authorization: "Basic dTpw",
      "cache-control": "max-age=0",
      cookie: "a=1; b=3",
      range: "bytes=0-1",
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-host": "3000-token.previews.example",
      "x-forwarded-proto": "https",
      "x-box-token": "secret",
    });
  });

  it("keep an upgrade only for a WebSocket", () => {
    const socket = new Headers({ upgrade: "WebSocket", "sec-websocket-protocol": "chat", "sec-websocket-key": "x" });
    const passed = toUpstreamHeaders(socket, visited, endpoint, proxy);
    expect([passed.get("upgrade"), passed.get("sec-websocket-protocol")]).toEqual(["websocket", "chat"]);
    expect(passed.has("sec-websocket-key")).toBe(false);
    expect(toUpstreamHeaders(new Headers({ upgrade: "h2c" }), visited, endpoint, proxy).has("upgrade")).toBe(false);
  });

  it("leave out the provider's own cookies", () => {
    expect(keepCookies("box-accepted=true; box-x=1", proxy)).toBe("");
    expect(keepCookies(" a=1;; b=box-x ; c", proxy)).toBe("a=1; b=box-x; c");
  });
});

describe("the headers of a program's answer to a visitor", () => {
  it("are the program's own, and by default hide the host name from other sites and search engines", () => {
    const given = new Headers({
      "content-type": "text/html",
      "access-control-allow-origin": "*",
      "alt-svc": 'h3=":443"',
      connection: "close, x-hop",
      "x-hop": "1",
      "x-box-anything": "1",
      "keep-alive": "timeout=5",
    });
    expect(Object.fromEntries(toVisitorHeaders(given, visited, upstream))).toEqual({
      "access-control-allow-origin": "*",
      "content-type": "text/html",
      "referrer-policy": "same-origin",
      "x-robots-tag": "noindex",
    });
    const own = new Headers({ "referrer-policy": "unsafe-url", "x-robots-tag": "all" });
    expect(Object.fromEntries(toVisitorHeaders(own, visited, upstream))).toEqual(Object.fromEntries(own));
  });

  it("keep each of the program's cookies", () => {
    const given = new Headers();
    for (const cookie of ["a=1; Domain=previews.example", "box-x=1", "b=2; Expires=Wed, 25 Nov 2026 10:00:00 GMT"]) {
      given.append("set-cookie", cookie);
    }
    expect(toVisitorHeaders(given, visited, upstream).getSetCookie()).toEqual([
      "a=1",
      "b=2; Expires=Wed, 25 Nov 2026 10:00:00 GMT",
    ]);
  });
});

describe("toHostCookie", () => {
  it.each([
    [
      "a=1; Domain=.previews.example; Path=/; Secure; SameSite=None; Partitioned",
      "a=1; Path=/; Secure; SameSite=None; Partitioned",
    ],
    ["a=1;domain = x ;HttpOnly", "a=1; HttpOnly"],
    ["a=b=c; Max-Age=1", "a=b=c; Max-Age=1"],
    ["Box-auth-x=1; Path=/", null],
  ])("limits %s to its host", (cookie, kept) => {
    expect(toHostCookie(cookie, true, proxy)).toBe(kept);
  });

  it.each([
    ["a=1; Secure; SameSite=None; Partitioned", "a=1; SameSite=Lax"],
    ["a=1; secure; SameSite=Strict", "a=1; SameSite=Strict"],
    ["__Host-a=1; Secure; Path=/; SameSite=None", "__Host-a=1; Secure; Path=/; SameSite=None"],
  ])("makes %s work without TLS if possible", (cookie, kept) => {
    expect(toHostCookie(cookie, false, proxy)).toBe(kept);
  });
});

describe("toVisitorLocation", () => {
  it.each([
    ["/home?a=1#b", "/home?a=1#b"],
    ["there", "there"],
    ["", ""],
    ["https://example.com/x", "https://example.com/x"],
    ["http://localhost:3000/home?a=1#b", "https://3000-token.previews.example/home?a=1#b"],
    ["http://127.0.0.1:3000", "https://3000-token.previews.example/"],
    ["//0.0.0.0:3000/x", "https://3000-token.previews.example/x"],
    ["http://localhost:3001/home", "http://localhost:3001/home"],
    ["https://3000-token.previews.example/home", "https://3000-token.previews.example/home"],
    ["https://boxes.example/box-1/proxy/3000/a?b", "https://3000-token.previews.example/a?b"],
    ["https://boxes.example/box-1/proxy/30001/a", "https://boxes.example/box-1/proxy/30001/a"],
    ["https://boxes.example/box-2/proxy/3000/a", "https://boxes.example/box-2/proxy/3000/a"],
    ["mailto:a@example.com", "mailto:a@example.com"],
    ["http://[", "http://["],
  ])("rewrites %s to %s, also with the path that the provider's proxy puts before it", (location, expected) => {
    expect(toVisitorLocation(location, visited, upstream)).toBe(expected);
    expect(toVisitorLocation(`/box-1${location}`, visited, upstream)).toBe(expected);
  });
});

describe("isContained", () => {
  it.each(["/", "/a/b.c/..d/e..", "/a%20b/%E4%BD%A0", "/@scope%2fname", "/.well-known/x", "/100%", "/%zz", "//a"])(
    "is true for %s",
    (path) => {
      expect(isContained(path)).toBe(true);
    },
  );

  it.each([
    "/..%2ffiles",
    "/a/%2e%2e/b",
    "/%252e%252e/b",
    "/..%5cfiles",
    "/a%2f..",
    "/..;/x",
    "/%2e/x",
    "/%25252e%25252e/x",
  ])("is false for %s", (path) => {
    expect(isContained(path)).toBe(false);
  });
});
