// What of a visitor's headers a program in a sandbox sees, and what of its headers the visitor does. Pure.
//
// Nothing of the provider's own passes in either direction: its headers and cookies may open sandboxes. What a program says
// is otherwise left as it is, except where it names an address that only it can reach.
import type { PortEntry } from "../../../agent/workspace.ts";
import type { PreviewProxy } from "../../../sandboxes/index.ts";

/** Between two neighbours only. */
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

/** Set anew here or by the platform, or a claim of the visitor's about itself that nobody has checked. */
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

/** `alt-svc` would lead a browser to another port, where nobody serves the link. */
const answerHeaders = new Set([
  "alt-svc",
  "set-cookie",
  "location",
  "sec-websocket-accept",
  "sec-websocket-extensions",
]);

/** A WebSocket's handshake is the one upgrade that passes. */
export function isWebSocket(headers: Headers): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

export function toUpstreamHeaders(given: Headers, visited: URL, entry: PortEntry, proxy: PreviewProxy): Headers {
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
  // Else the platform says `no-cache`, and servers that heed it send everything anew.
  if (!headers.has("cache-control")) headers.set("cache-control", "max-age=0");
  headers.set("x-forwarded-host", visited.host);
  headers.set("x-forwarded-proto", visited.protocol.slice(0, -1));
  const address = given.get("cf-connecting-ip");
  if (address !== null) headers.set("x-forwarded-for", address);
  for (const [name, value] of Object.entries(entry.headers)) headers.set(name, value);
  return headers;
}

/** Headers that `Connection` says are for the neighbour alone. */
function listConnectionHeaders(headers: Headers): Set<string> {
  const names = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase());
  return new Set(names);
}

/** A `Cookie` header without the provider's own. */
export function keepCookies(header: string, proxy: PreviewProxy): string {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair !== "" && !proxy.isOwnCookie(nameOf(pair))).join("; ");
}

function nameOf(pair: string): string {
  return (pair.split("=", 1)[0] ?? "").trim();
}

export interface Upstream {
  entry: PortEntry;
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
  // The host's name is what opens the link: it is not told to other sites, and no search engine keeps it.
  if (!headers.has("referrer-policy")) headers.set("referrer-policy", "same-origin");
  if (!headers.has("x-robots-tag")) headers.set("x-robots-tag", "noindex");
  return headers;
}

/**
 * A cookie that stays on the link's host: no `Domain`, which would show it to every other link. Over plain http, as on one
 * machine, browsers drop what is `Secure`, and `SameSite=None` or `Partitioned` without that. Names that begin with
 * `__Secure-` or `__Host-` mean it, and stay as they are. Null for a cookie of the provider's own.
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

/** Where a redirect leads as a visitor can follow it. */
export function toVisitorLocation(location: string, visited: URL, { entry, port, proxy }: Upstream): string {
  const upstream = new URL(entry.address);
  const sent = proxy.readLocation(location, entry, port);
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
 * Whether a path stays below the port's own, whoever reads it on the way. `URL` has resolved plain dots; a proxy between
 * us and the sandbox may take escaped slashes and dots for plain ones, and `/..` there is the way to the sandbox's daemon.
 */
export function isContained(pathname: string): boolean {
  let path = pathname;
  // As often as one may have been escaped inside another; beyond that nobody reads it so.
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

/** In UTF-16 units, names and values. */
export function measureHeaders(headers: Headers): number {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length;
  return size;
}
