// Links to ports of a sandbox under a domain of our own: `{port}-{token}.domain`. Each link is a host, and so an origin, of
// its own: what a program behind it stores or runs in a browser stays there. Names of hosts don't tell capitals from small
// letters, hence base 32.

export interface PreviewLink {
  port: number;
  url: string;
  expires_at: string;
}

/** What a request's host is to the domain of previews. */
export type PreviewHost =
  /** Not of that domain: the app's. */
  | { kind: "other" }
  /** The domain itself, which has no previews. */
  | { kind: "apex" }
  /** Under the domain, and no link's name. */
  | { kind: "unknown" }
  | { kind: "preview"; port: number; token: string };

/** 26 letters of 5 bits: nobody finds a link by trying. */
const TOKEN_CHARACTERS = 26;
const letters = "abcdefghijklmnopqrstuvwxyz234567";

const label = /^([1-9]\d{0,4})-([a-z2-7]{26})$/;
const domainShape = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?$/;

export function newPreviewToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_CHARACTERS));
  return Array.from(bytes, (byte) => letters.charAt(byte & 31)).join("");
}

/** `host` or `host:port` in lower case; no scheme, path or address in numbers. A public one has a dot. */
export function isPreviewDomain(text: string): boolean {
  const [host = ""] = text.split(":");
  const isShaped = host.length <= 200 && domainShape.test(text) && (host.includes(".") || host === "localhost");
  // Of a port that is none and of Punycode that means nothing no link could be read.
  return isShaped && URL.canParse(`https://${text}`);
}

export function previewUrl(domain: string, port: number, token: string): string {
  return `${isLocal(domain) ? "http" : "https"}://${port}-${token}.${domain}/`;
}

/** Browsers hold names under localhost to be this machine, and there is no certificate for them. */
function isLocal(domain: string): boolean {
  return /(?:^|\.)localhost(?::\d+)?$/.test(domain);
}

/** `hostname` as `URL` has it, so in lower case. Its port plays no part: who forwards one has another. */
export function readPreviewHost(hostname: string, domain: string): PreviewHost {
  const [apex = ""] = domain.split(":");
  // A name with dots at its end is the same host and another origin: it is known, and not served.
  const name = hostname.replace(/\.+$/, "");
  // On one machine `localhost` is the app, and previews are under it.
  if (name === apex) return { kind: apex === "localhost" ? "other" : "apex" };
  if (!name.endsWith(`.${apex}`)) return { kind: "other" };
  const [, port, token] = label.exec(hostname.slice(0, -apex.length - 1)) ?? [];
  if (name !== hostname || token === undefined || Number(port) > 65_535) return { kind: "unknown" };
  return { kind: "preview", port: Number(port), token };
}
