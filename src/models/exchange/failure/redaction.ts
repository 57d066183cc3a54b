// What of a provider's words may be shown. Providers quote keys in their answers ("Incorrect API key provided: …"), so
// every sentence passes through here.
import { cutEnd } from "../../../lib/truncate.ts";
import { escapePattern } from "../../profiles/escape-pattern.ts";

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

/** Local servers accept any key ("ollama", "x"). Such a short word is no secret and occurs in ordinary text. */
const MIN_CHARACTERS = 8;

/** A text as it is meant. `places[i]` is where its character `i` begins in the text as it is written. */
interface Reading {
  text: string;
  places: (at: number) => number;
}

/**
 * Also in the writing of addresses, forms, pages and JSON: servers quote a request's address or header as they log it.
 * The words are read once in each writing, so the time does not depend on how long a secret is.
 */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= MIN_CHARACTERS);
  if (long.length === 0) return text;
  const plain: Reading = { text: lower(text), places: (at) => at };
  const readings = [plain, read(text, false), read(text, true)];
  const found = long.flatMap((secret) => [
    ...readings.flatMap((reading) => find(reading, secret)),
    ...find(plain, btoa(String.fromCharCode(...new TextEncoder().encode(secret)))),
  ]);
  let shown = "";
  let from = 0;
  for (const [start, end] of found.toSorted(([one], [other]) => one - other)) {
    if (start >= from) shown += `${text.slice(from, start)}[key]`;
    from = Math.max(from, end);
  }
  return shown + text.slice(from);
}

function find({ text, places }: Reading, secret: string): [number, number][] {
  const words = lower(secret);
  const found: [number, number][] = [];
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + words.length)) {
    found.push([places(at), places(at + words.length)]);
  }
  return found;
}

/** Of ASCII alone: no other letter keeps its length for sure. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** `%2B`, `&#43;`, `&#x2b;`, `&amp;`, `\u002b`, and a backslash before what JSON escapes. Keys are ASCII. */
const written =
  /%([0-7][\da-f])|&#x0{0,4}([\da-f]{2});|&#0{0,4}(\d{2,3});|&(amp|lt|gt|quot|apos);|\\{1,2}u00([\da-f]{2})|\\{1,3}(?=["'/\\])/gi;
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** `isForm`: a plus is a space. */
function read(text: string, isForm: boolean): Reading {
  let meant = "";
  const places: number[] = [];
  let from = 0;
  const addPlain = (to: number) => {
    for (let at = from; at < to; at++) places.push(at);
    const plain = text.slice(from, to);
    meant += isForm ? plain.replaceAll("+", " ") : plain;
  };
  for (const { index, 0: whole, 1: percent, 2: hex, 3: decimal, 4: name, 5: unicode } of text.matchAll(written)) {
    addPlain(index);
    const digits = percent ?? hex ?? unicode;
    const code = digits === undefined ? Number(decimal) : Number.parseInt(digits, 16);
    const character = name === undefined ? String.fromCharCode(code) : (entities[name.toLowerCase()] ?? "");
    from = index + whole.length;
    // A backslash is none of what it stands before.
    if (digits === undefined && decimal === undefined && name === undefined) continue;
    places.push(index);
    meant += character;
  }
  addPlain(text.length);
  return { text: lower(meant), places: (at) => places[at] ?? text.length };
}
