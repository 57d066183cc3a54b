// What of a provider's words may be shown. Providers quote keys in their answers ("Incorrect API key provided: …"), so
// every sentence passes through here.

import { cutEnd } from "../../../lib/truncate.ts";
import { escapePattern } from "../../profiles/escape-pattern.ts";
import { hideSecrets } from "./secrets.ts";

/** How sentences name the settings of a server. */
export interface SettingNames {
  key: string;
  base_url: string;
  model: string;
}

/** What sentences must not contain, and how they name what to check. */
export interface Provider {
  /** Host and port, for the operator's log alone. */
  host: string;
  secrets: readonly string[];
  settings: SettingNames;
}

/** Limits the provider's words: enough for its first sentences, too little for a page of HTML. */
const MAX_DETAIL_CHARACTERS = 500;

/** One line that ends like a sentence. Redacts before it cuts, since half a key would not be recognized. */
export function cut(detail: string, provider: Provider): string {
  const safe = hideAddresses(redact(detail.toWellFormed(), provider.secrets), provider.host);
  const line = cutEnd(safe.replace(/[\s\p{Cc}]+/gu, " "), MAX_DETAIL_CHARACTERS).trim();
  return /[.!?。！？…]$/.test(line) ? line : `${line}.`;
}

/**
 * Removes the secrets in any writing, and anything that looks like one: `sk-…`, a bearer token, a key that the provider
 * masked with asterisks.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return hideSecrets(text, secrets)
    .replace(/\bBearer\s+(?!\[key\])[^\s"']+/gi, "Bearer [key]")
    .replace(/\bBasic\s+[a-z0-9+/]{16,}={0,2}/gi, "Basic [key]")
    .replace(/\b(?:sk|pk|key|gsk|xai)-[\w*.-]{6,}/g, "[key]")
    .replace(/[^\s"']+/g, (word) => (word.includes("***") ? "[key]" : word));
}

const ADDRESS = "[address]";

/**
 * Removes addresses. Users of a product must not learn which server it asks: links, the server's host with its whole
 * domain, IP addresses, and other hosts with a port.
 */
export function hideAddresses(text: string, host: string): string {
  const shown = text
    .replace(/\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>`)\]}]*[^\s"'<>`)\]}.,;:!?]/gi, ADDRESS)
    .replace(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]\w)/g, ADDRESS)
    .replace(/(?<![\w:])\[?(?:[\da-f]{1,4}:){7}[\da-f]{1,4}\]?(?::\d{1,5})?(?![\w:])/gi, ADDRESS)
    .replace(
      /(?<![\w:])\[?(?:[\da-f]{1,4}(?::[\da-f]{1,4}){0,6})?::(?:[\da-f]{1,4}(?::[\da-f]{1,4}){0,6})?\]?(?::\d{1,5})?(?![\w:])/gi,
      ADDRESS,
    );
  // Names in a certificate say whose server it is, too.
  const certified = shown.replace(/\bDNS:[^\s,]+/g, `DNS:${ADDRESS}`);
  const known = domainOf(host);
  const own = known === null ? certified : certified.replace(hostPattern(known), ADDRESS);
  return own.replace(/(?<![\w.-])[\w-]+(?:\.[\w-]+)+:\d{2,5}(?!\w)/g, ADDRESS);
}

/** A name that ends in the domain, with its port and path. It begins where a word does, so it takes linear time. */
function hostPattern(domain: string): RegExp {
  return new RegExp(
    `(?<![\\w.-])[\\w.-]*${escapePattern(domain)}(?![\\w-])(?::\\d{1,5})?(?:/[^\\s"'<>)]*[^\\s"'<>).,;:])?`,
    "gi",
  );
}

/** Names below which countries give out domains: `example.co.uk`. */
const SECOND_LEVELS = /^(?:co|com|net|org|gov|edu|ac|ne|or|go)$/;

/** What belongs to whoever runs the host; the whole name if it is short or a number. Null for what is no host. */
function domainOf(host: string): string | null {
  const name = host
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();
  if (name === "" || /\s/.test(name)) return null;
  const labels = name.split(".");
  if (/^[\d.]+$/.test(name) || name.includes(":")) return name;
  const isBelowCountry = labels.at(-1)?.length === 2 && SECOND_LEVELS.test(labels.at(-2) ?? "");
  return labels.slice(isBelowCountry ? -3 : -2).join(".");
}
