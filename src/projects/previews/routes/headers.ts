// Decides which of a visitor's headers a program in a sandbox sees, and which of its headers the visitor sees. Pure.
//
// The provider's own headers and cookies pass in neither direction, since they may grant access to sandboxes. A
// program's other headers are unchanged, except for a URL that only the program itself can reach.
import type { PortEndpoint } from "../../../agent/workspace.ts";
import type { PreviewProxy } from "../../../sandboxes/index.ts";

/** Hop-by-hop headers. */
const hopHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers that are set here or by the platform, or unverified claims of the visitor about itself. */
const visitorHeaders = new Set([
  "host",
  "expect",
  "forwarded",
  "x-real-ip",
  "true-client-ip",
  "cdn-loop",
  "max-forwards",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-extensions",
  "sec-websocket-accept",
]);
const visitorPrefixes = ["x-forwarded-", "cf-", "mf-"];

/** Handled separately or dropped. `alt-svc` would send a browser to another port, where nothing serves the link. */
const answerHeaders = new Set([
  "alt-svc",
  "set-cookie",
  "location",
  "sec-websocket-accept",
  "sec-websocket-extensions",
]);

/** The WebSocket handshake is the only upgrade that passes. */
export function isWebSocket(headers: Headers): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

export function toUpstreamHeaders(given: Headers, visited: URL, endpoint: PortEndpoint, proxy: PreviewProxy): Headers {
  const headers = new Headers();
  const named = listConnectionHeaders(given);
  for (const [name, value] of given) {
    if (hopHeaders.has(name) || visitorHeaders.has(name) || named.has(name) || name === "cookie") continue;
    if (proxy.isOwnHeader(name) || visitorPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    headers.append(name, value);
  }
  const cookies = keepCookies(given.get("cookie") ?? "", proxy);
  if (cookies !== "") headers.set("cookie", cookies);
  if (isWebSocket(given)) headers.set("upgrade", "websocket");
  // Otherwise the platform sends `no-cache`, and servers that obey it send everything anew.
  if (!headers.has("cache-control")) headers.set("cache-control", "max-age=0");
  headers.set("x-forwarded-host", visited.host);
  headers.set("x-forwarded-proto", visited.protocol.slice(0, -1));
  const address = given.get("cf-connecting-ip");
  if (address !== null) headers.set("x-forwarded-for", address);
  for (const [name, value] of Object.entries(endpoint.headers)) headers.set(name, value);
  return headers;
}

/** The headers that `Connection` names as hop-by-hop. */
function listConnectionHeaders(headers: Headers): Set<string> {
  const names = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase());
  return new Set(names);
}

/** A `Cookie` header without the provider's own cookies. */
export function keepCookies(header: string, proxy: PreviewProxy): string {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair !== "" && !proxy.isOwnCookie(nameOf(pair))).join("; ");
}

function nameOf(pair: string): string {
  return (pair.split("=", 1)[0] ?? "").trim();
}

export interface Upstream {
  endpoint: PortEndpoint;
  port: number;
  proxy: PreviewProxy;
}

export function toVisitorHeaders(given: Headers, visited: URL, upstream: Upstream): Headers {
  const headers = new Headers();
  const named = listConnectionHeaders(given);
  for (const [name, value] of given) {
    if (hopHeaders.has(name) || answerHeaders.has(name) || named.has(name)) continue;
    if (!upstream.proxy.isOwnHeader(name)) headers.append(name, value);
  }
  for (const cookie of given.getSetCookie()) {
    const kept = toHostCookie(cookie, visited.protocol === "https:", upstream.proxy);
    if (kept !== null) headers.append("set-cookie", kept);
  }
  const location = toVisitorLocation(given.get("location") ?? "", visited, upstream);
  if (location !== "") headers.set("location", location);
  // The host name is the secret of the link: other sites must not see it as a referrer, nor search engines index it.
  if (!headers.has("referrer-policy")) headers.set("referrer-policy", "same-origin");
  if (!headers.has("x-robots-tag")) headers.set("x-robots-tag", "noindex");
  return headers;
}

/**
 * Limits a cookie to the link's host, without a `Domain`, which would show it to every other link. Over plain HTTP, as
 * on a developer's machine, browsers drop `Secure` cookies, and those with `SameSite=None` or `Partitioned` that are
 * not `Secure`. So these attributes are removed, except from names with the prefix `__Secure-` or `__Host-`, which
 * require them. Null for the provider's own cookie.
 */
export function toHostCookie(cookie: string, isSecure: boolean, proxy: PreviewProxy): string | null {
  const [pair = "", ...attributes] = cookie.split(";").map((part) => part.trim());
  if (proxy.isOwnCookie(nameOf(pair))) return null;
  const plain = !isSecure && !/^__(?:secure|host)-/i.test(pair);
  const kept = attributes.flatMap((attribute) => {
    const [name = "", value = ""] = attribute
      .toLowerCase()
      .split("=")
      .map((part) => part.trim());
    if (name === "" || name === "domain") return [];
    if (plain && (name === "secure" || name === "partitioned")) return [];
    return plain && name === "samesite" && value === "none" ? ["SameSite=Lax"] : [attribute];
  });
  return [pair, ...kept].join("; ");
}

const localHosts = new Set(["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"]);

/** Rewrites a redirect so that a visitor can follow it. */
export function toVisitorLocation(location: string, visited: URL, { endpoint, port, proxy }: Upstream): string {
  const upstream = new URL(endpoint.address);
  const sent = proxy.readLocation(location, endpoint, port);
  const target = sent === "" ? null : URL.parse(sent, visited);
  if (target === null || !/^https?:$/.test(target.protocol) || target.origin === visited.origin) return sent;
  const isProgram = localHosts.has(target.hostname) && portOf(target) === port;
  const isUpstream = target.origin === upstream.origin && `${target.pathname}/`.startsWith(`${upstream.pathname}/`);
  if (!isProgram && !isUpstream) return sent;
  const path = isUpstream ? target.pathname.slice(upstream.pathname.length) : target.pathname;
  return `${visited.origin}${path || "/"}${target.search}${target.hash}`;
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

/**
 * Whether a path stays below the port's own path, however a proxy parses it. `URL` has resolved plain dots, but a proxy
 * between us and the sandbox may decode escaped slashes and dots, and `/..` then leads to the sandbox's daemon.
 */
export function isContained(pathname: string): boolean {
  let path = pathname;
  // Decodes nested escapes. Nothing decodes a path more often than this.
  for (let depth = 0; depth < 4; depth++) {
    if (/(?:^|[/\\])\.{1,2}(?:[/\\;]|$)/.test(path)) return false;
    const plain = path.replaceAll(/%(25|2e|2f|5c|3b)/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (plain === path) return true;
    path = plain;
  }
  return false;
}

/** The size of names and values in UTF-16 units. */
export function measureHeaders(headers: Headers): number {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length;
  return size;
}
