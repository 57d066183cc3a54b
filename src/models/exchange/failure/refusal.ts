// Reads how a server refused into one plain value, whatever the form of its body: an object in `error`, unwrapped or in
// a list, a string, FastAPI's `detail`, MiniMax's `base_resp`, or a refusal that a router quotes inside its own.
import { asRecord } from "../../../lib/is-record.ts";
import { describePlatformRefusal } from "../../../lib/network/platform-refusal.ts";
import { readHeaderWait, readLimitReset, readMoment, readWordsWait } from "./stated-wait.ts";

export interface Refusal {
  /** The HTTP status, or the one in an error inside a 200; 0 if there is none. */
  status: number;
  /** The server's words, unredacted. */
  detail: string;
  /** Types and codes in lower case, with a space between two of them. */
  kind: string;
  /** The field of the request that is at fault. */
  param: string | null;
  retry_after_ms: number | null;
}

export interface RefusedAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** What one body says. `wait_ms` stands in a field of its own; a wait in words is read later. */
interface Said {
  details: string[];
  labels: string[];
  param: string | null;
  wait_ms: number | null;
  status: number | null;
}

const NOTHING_SAID = "no reason given";

/** A router quotes its provider, which quotes another router. Deeper bodies are no refusals. */
const MAX_DEPTH = 9;

export function readRefusal({ status, headers, text }: RefusedAnswer, now = Date.now()): Refusal {
  const said = newSaid();
  readText(text, said, now, 0);
  return toRefusal(said, status, readHeaderWait(headers, status === 429, now), now);
}

/** Reads an error inside a stream or in a 200 answer. */
export function readRefusedValue(value: unknown, now = Date.now()): Refusal {
  const said = newSaid();
  readValue(value, said, now, 0);
  return toRefusal(said, said.status ?? 0, null, now);
}

/** Whether a chunk or a body says that the request failed, and is no part of a completion. */
export function isRefusedValue(chunk: Record<string, unknown>): boolean {
  if (chunk.error || chunk.object === "error") return true;
  const code = asRecord(chunk.base_resp)?.status_code;
  if (code !== undefined && Number(code) !== 0) return true;
  return chunk.choices === undefined && chunk.code != null && typeof chunk.message === "string";
}

function newSaid(): Said {
  return { details: [], labels: [], param: null, wait_ms: null, status: null };
}

function toRefusal(said: Said, status: number, header_wait_ms: number | null, now: number): Refusal {
  const detail = [...new Set(said.details)].join(": ") || NOTHING_SAID;
  return {
    status,
    detail,
    kind: [...new Set(said.labels)].join(" ").toLowerCase(),
    param: said.param,
    retry_after_ms: believable(header_wait_ms ?? said.wait_ms ?? readWordsWait(detail, now), detail),
  };
}

const HOUR_MS = 3_600_000;

/** Azure asks to wait a day for a limit of tokens a minute. */
function believable(wait_ms: number | null, detail: string): number | null {
  const isOfMinute =
    /token rate limit|per minute|\b[TR]PM\b/i.test(detail) && !/per day|daily|\b[TR]PD\b/i.test(detail);
  return wait_ms !== null && wait_ms >= HOUR_MS && isOfMinute ? null : wait_ms;
}

function readText(text: string, said: Said, now: number, depth: number): void {
  const value = parseObject(text);
  if (value !== undefined) {
    readValue(value, said, now, depth + 1);
    return;
  }
  const title = text.trimStart().startsWith("<") ? /<title>([^<]{1,200})<\/title>/i.exec(text)?.[1] : undefined;
  const words = (title ?? text).trim();
  if (words !== "") said.details.push(describePlatformRefusal(words) ?? words);
}

/** Undefined if it is words, or JSON that was cut. */
function parseObject(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readValue(value: unknown, said: Said, now: number, depth: number): void {
  if (depth > MAX_DEPTH) return;
  // Google sends a list with one error, FastAPI one with an entry for each invalid field.
  if (typeof value === "string") readText(value, said, now, depth);
  else if (Array.isArray(value)) for (const entry of value.slice(0, 3)) readValue(entry, said, now, depth + 1);
  else {
    const record = asRecord(value);
    if (record) readRecord(record, said, now, depth);
  }
}

function readRecord(record: Record<string, unknown>, said: Said, now: number, depth: number): void {
  for (const label of [record.type, record.code]) addLabel(label, said);
  if (typeof record.status === "string") addLabel(record.status, said);
  said.status ??= findStatus(record);
  if (typeof record.param === "string" && record.param !== "") said.param ??= record.param;
  readBaseResponse(asRecord(record.base_resp), said);
  if (Array.isArray(record.loc)) said.details.push(record.loc.join("."));
  for (const name of ["error", "message", "msg", "error_msg", "detail", "errors"]) {
    readValue(record[name], said, now, depth + 1);
  }
  const inner = asRecord(record.innererror);
  if (inner) addLabel(inner.code, said);
  readGoogleDetails(record.details, said, now);
  const metadata = asRecord(record.metadata);
  if (metadata) readMetadata(metadata, said, now, depth);
}

/** OpenRouter quotes its provider in `raw`, and the headers of its own limits in `headers`. */
function readMetadata(metadata: Record<string, unknown>, said: Said, now: number, depth: number): void {
  readValue(metadata.raw, said, now, depth + 1);
  for (const name of ["error_type", "limit_source"]) addLabel(metadata[name], said);
  if ("flagged_input" in metadata) addLabel("flagged_input", said);
  const headers = Object.entries(asRecord(metadata.headers) ?? {}).filter(([name]) => /^[\w-]{1,100}$/.test(name));
  said.wait_ms ??= readLimitReset(new Headers(headers.map(([name, value]) => [name, printable(value)])), now);
}

/** A header can't hold what is outside of ASCII. */
function printable(value: unknown): string {
  return String(value).replace(/[^\x20-\x7e]/g, "");
}

function readGoogleDetails(details: unknown, said: Said, now: number): void {
  if (!Array.isArray(details)) return;
  for (const entry of details) {
    const detail = asRecord(entry);
    if (typeof detail?.retryDelay === "string") said.wait_ms ??= readMoment(detail.retryDelay, now);
    addLabel(detail?.reason, said);
    if (!Array.isArray(detail?.violations)) continue;
    for (const violation of detail.violations) addLabel(asRecord(violation)?.quotaId, said);
  }
}

/** MiniMax's codes. Zhipu uses some of the same numbers for other things, so they get a label of their own. */
const minimaxStatuses: Record<string, number> = {
  "1002": 429,
  "1004": 401,
  "1008": 402,
  "1026": 400,
  "1027": 400,
  "1039": 429,
  "1041": 429,
  "1042": 400,
  "2013": 400,
  "2045": 429,
  "2049": 401,
  "2056": 429,
};

function readBaseResponse(base: Record<string, unknown> | null, said: Said): void {
  if (base === null || Number(base.status_code) === 0) return;
  addLabel(`base_resp_${String(base.status_code)}`, said);
  said.status ??= minimaxStatuses[String(base.status_code)] ?? 500;
  if (typeof base.status_msg === "string" && base.status_msg !== "") said.details.push(base.status_msg);
}

function findStatus(record: Record<string, unknown>): number | null {
  const found = [record.code, record.status, record.status_code].map(Number);
  return found.find((value) => value >= 400 && value <= 599) ?? null;
}

/** A longer label is text of the provider in the wrong field. */
const MAX_LABEL_CHARACTERS = 200;

function addLabel(label: unknown, said: Said): void {
  const text = typeof label === "number" ? String(label) : label;
  if (typeof text === "string" && text !== "" && text.length <= MAX_LABEL_CHARACTERS) said.labels.push(text);
}
