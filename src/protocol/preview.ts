// Links to ports of a sandbox under a domain of our own: `{port}-{token}.domain`. Each link has its own host, and so
// its own origin: what a program behind it stores or runs in a browser stays there. Host names don't distinguish upper
// and lower case, hence base32.

export interface PreviewLink {
  port: number;
  url: string;
  expires_at: string;
}

/** How a request's host relates to the preview domain. */
export type PreviewHost =
  /** Outside the preview domain: the app. */
  | { kind: "other" }
  /** The preview domain itself, which serves nothing. */
  | { kind: "apex" }
  /** Under the preview domain, but not a link's name. */
  | { kind: "unknown" }
  | { kind: "preview"; port: number; token: string };

/** 26 letters of 5 bits each: a link can't be guessed. */
const TOKEN_CHARACTERS = 26;
const letters = "abcdefghijklmnopqrstuvwxyz234567";

const label = /^([1-9]\d{0,4})-([a-z2-7]{26})$/;
const domainShape = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?$/;

export function newPreviewToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_CHARACTERS));
  return Array.from(bytes, (byte) => letters.charAt(byte & 31)).join("");
}

/** `host` or `host:port` in lower case, without scheme, path or numeric address. A public domain has a dot. */
export function isPreviewDomain(text: string): boolean {
  const [host = ""] = text.split(":");
  const isShaped = host.length <= 200 && domainShape.test(text) && (host.includes(".") || host === "localhost");
  // An impossible port or invalid Punycode would make links that nothing can parse.
  return isShaped && URL.canParse(`https://${text}`);
}

export function previewUrl(domain: string, port: number, token: string): string {
  return `${isLocal(domain) ? "http" : "https"}://${port}-${token}.${domain}/`;
}

/** Browsers resolve names under localhost to the own machine, and no certificate exists for them. */
function isLocal(domain: string): boolean {
  return /(?:^|\.)localhost(?::\d+)?$/.test(domain);
}

/** `hostname` comes from `URL`, so it is in lower case. The port does not count: a port forward changes it. */
export function readPreviewHost(hostname: string, domain: string): PreviewHost {
  const [apex = ""] = domain.split(":");
  // A trailing dot names the same host but another origin. The host is recognized, and not served.
  const name = hostname.replace(/(?<!\.)\.+$/, "");
  // On a developer's machine `localhost` is the app, and previews are under it.
  if (name === apex) return { kind: apex === "localhost" ? "other" : "apex" };
  if (!name.endsWith(`.${apex}`)) return { kind: "other" };
  const [, port, token] = label.exec(hostname.slice(0, -apex.length - 1)) ?? [];
  if (name !== hostname || token === undefined || Number(port) > 65_535) return { kind: "unknown" };
  return { kind: "preview", port: Number(port), token };
}
