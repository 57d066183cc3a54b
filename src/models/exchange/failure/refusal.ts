// Reads how a server refused into one plain value, whatever the form of its body: an object in `error`, unwrapped or in
// a list, a string, FastAPI's `detail`, MiniMax's `base_resp`, or a refusal that a router quotes inside its own. The
// names of fields decide what is read, wherever they stand.
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

export function readRefusal({ status, headers, text }: RefusedAnswer, now = Date.now()): Refusal {
  return toRefusal(text, now, { status, wait_ms: readHeaderWait(headers, status === 429, now) });
}

/** Reads an error inside a stream or in a 200 answer. */
export function readRefusedValue(value: unknown, now = Date.now()): Refusal {
  return toRefusal(value, now, { status: null, wait_ms: null });
}

/** Whether a chunk or a body says that the request failed, and is no part of a completion. */
export function isRefusedValue(chunk: Record<string, unknown>): boolean {
  if (chunk.error || chunk.object === "error") return true;
  const code = asRecord(chunk.base_resp)?.status_code;
  if (code !== undefined && Number(code) !== 0) return true;
  return chunk.choices === undefined && chunk.code != null && typeof chunk.message === "string";
}

/** What one body says. The first status, field and wait count; a wait in words is read later. */
interface Said {
  details: Set<string>;
  labels: Set<string>;
  param: string | null;
  wait_ms: number | null;
  status: number | null;
  now: number;
}

const HOUR_MS = 3_600_000;
/** In characters. Its first sentences are shown; an answer may be megabytes. */
const MAX_WORDS = 16 * 1024;

function toRefusal(value: unknown, now: number, known: Pick<Said, "status" | "wait_ms">): Refusal {
  const said: Said = { details: new Set(), labels: new Set(), param: null, now, ...known };
  readValue(value, said, 0);
  const detail = cutWords([...said.details].join(": ")) || "no reason given";
  const wait_ms = said.wait_ms ?? readWordsWait(detail, now);
  // Azure asks to wait a day for a limit of tokens a minute.
  const isOfMinute =
    /token rate limit|per minute|\b[TR]PM\b/i.test(detail) && !/per day|daily|\b[TR]PD\b/i.test(detail);
  return {
    status: said.status ?? 0,
    detail,
    kind: [...said.labels].join(" ").toLowerCase(),
    param: said.param,
    retry_after_ms: wait_ms !== null && wait_ms >= HOUR_MS && isOfMinute ? null : wait_ms,
  };
}

/** At a space, since half a key would not be recognized as one. */
function cutWords(words: string): string {
  return words.length <= MAX_WORDS ? words : words.slice(0, Math.max(0, words.lastIndexOf(" ", MAX_WORDS)));
}

/** A router quotes its provider, which quotes another router. Deeper bodies are no refusals. */
const MAX_DEPTH = 9;
/** Google sends a list with one error, FastAPI one with an entry for each invalid field. */
const MAX_ENTRIES = 3;

const wordFields = ["error", "message", "msg", "error_msg", "detail", "errors"];
/** Of these, OpenRouter's `metadata` quotes its provider in `raw`; all else in them is codes and waits. */
const partFields = ["innererror", "details", "violations", "metadata"];

function readValue(value: unknown, said: Said, depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === "string") readText(value, said, depth);
  else if (Array.isArray(value)) for (const entry of value.slice(0, MAX_ENTRIES)) readValue(entry, said, depth + 1);
  else {
    const record = asRecord(value);
    if (record === null) return;
    for (const label of [record.type, record.code]) addLabel(label, said);
    if (typeof record.status === "string") addLabel(record.status, said);
    said.status ??= findStatus(record);
    if (typeof record.param === "string" && record.param !== "") said.param ??= record.param;
    readBaseResponse(asRecord(record.base_resp), said);
    if (Array.isArray(record.loc)) said.details.add(record.loc.join("."));
    for (const name of wordFields) readValue(record[name], said, depth + 1);
    for (const name of partFields) readPart(record[name], said, depth + 1);
  }
}

function readText(text: string, said: Said, depth: number): void {
  const value = parseObject(text);
  if (value !== undefined) {
    readValue(value, said, depth + 1);
    return;
  }
  const title = text.trimStart().startsWith("<") ? /<title>([^<]{1,200})<\/title>/i.exec(text)?.[1] : undefined;
  const words = (title ?? text).trim();
  if (words !== "") said.details.add(describePlatformRefusal(words) ?? words);
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

function readPart(value: unknown, said: Said, depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(value)) for (const entry of value) readPart(entry, said, depth + 1);
  const part = asRecord(value);
  if (part === null) return;
  readValue(part.raw, said, depth);
  for (const label of [part.code, part.reason, part.quotaId, part.error_type, part.limit_source]) addLabel(label, said);
  if ("flagged_input" in part) addLabel("flagged_input", said);
  if (typeof part.retryDelay === "string") said.wait_ms ??= readMoment(part.retryDelay, said.now);
  const headers = Object.entries(asRecord(part.headers) ?? {});
  said.wait_ms ??= readLimitReset(new Map(headers.map(([name, each]) => [name.toLowerCase(), String(each)])), said.now);
  readPart(part.violations, said, depth + 1);
}

/** MiniMax's codes. Zhipu uses some of the same numbers for other things, so they get a label of their own. */
const minimaxStatuses: [status: number, codes: RegExp][] = [
  [400, /^(?:1026|1027|1042|2013)$/],
  [401, /^(?:1004|2049)$/],
  [402, /^1008$/],
  [429, /^(?:1002|1039|1041|2045|2056)$/],
];

function readBaseResponse(base: Record<string, unknown> | null, said: Said): void {
  if (base === null || Number(base.status_code) === 0) return;
  const code = String(base.status_code);
  addLabel(`base_resp_${code}`, said);
  said.status ??= minimaxStatuses.find(([, codes]) => codes.test(code))?.[0] ?? 500;
  if (typeof base.status_msg === "string" && base.status_msg !== "") said.details.add(base.status_msg);
}

function findStatus(record: Record<string, unknown>): number | null {
  const found = [record.code, record.status, record.status_code].map(Number);
  return found.find((value) => value >= 400 && value <= 599) ?? null;
}

/** A longer label is text of the provider in the wrong field. */
const MAX_LABEL_CHARACTERS = 200;

function addLabel(label: unknown, said: Said): void {
  const text = typeof label === "number" ? String(label) : label;
  if (typeof text === "string" && text !== "" && text.length <= MAX_LABEL_CHARACTERS) said.labels.add(text);
}
