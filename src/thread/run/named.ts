// Whether somebody other than the model has named an address. A page may tell a model to put what it knows into an
// address and to fetch that. An address that a person wrote, or that a search found or a page contains, can't contain
// what only the model knows.
//
// Results of other tools do not count: a file, a command or another server may return what the model wrote into it. Nor
// does the text of a search, which may repeat its query in other words: what it found is in the table of sources. Nor
// does a PDF, which a program of the sandbox reads, a result whose own call contained the address, nor an answer that a
// person chose from the model's suggestions: a button may show only the beginning of one.
import { toSourceUrl } from "../../agent/sources.ts";
import { findPlaces } from "../../lib/find-places.ts";
import { isRecord } from "../../lib/is-record.ts";
import { toChatMessage, toToolMessage } from "../../store/shapes/message.ts";
import { parseStored, readStored } from "../../store/shapes/stored.ts";
import { readText, type Sql } from "../rows/database.ts";

/** Messages of people and results are searched from the newest on. Sources are found by their table, however old. */
const MAX_SEARCHED = 2000;
/** Of results whose middle the model reads with `read_result`: of those that quote others, the newest. */
const MAX_WHOLE = 50;
/** Of all of them: four of the longest. */
const MAX_WHOLE_CHARACTERS = 16 * 1024 * 1024;
/** As long as the longest that browsers and servers take. */
const MAX_ADDRESS_CHARACTERS = 8000;

interface Row extends Record<string, string | number | null> {
  seq: number;
  type: string;
  content: string | null;
  metadata: string | null;
}

/** `addresses`: one address, in all ways in which it may be written. The texts are read once for all of them. */
export function isNamedInText(sql: Sql, ...addresses: string[]): boolean {
  const forms = formsOf(addresses.filter((address) => address.length <= MAX_ADDRESS_CHARACTERS));
  if (forms.length === 0) return false;
  return readRows(sql, forms).some((row) => isNamedIn(sql, row, forms)) || isNamedInWhole(sql, forms);
}

/** As it is written and as it is stored, without a slash at its end: people leave that out. */
function formsOf(addresses: string[]): string[] {
  const stored = addresses.map((address) => toSourceUrl(address) ?? address);
  const forms = [...addresses, ...stored].filter((form) => !ENDS_ADDRESS.test(form) && isPaired(form));
  return [...new Set(forms.map((form) => form.replace(/#.*/s, "").replace(/\/$/, "")))];
}

/**
 * Signs that end an address in a text: spaces, those that an address has only with escapes, what nobody sees, and
 * punctuation and symbols other than those of ASCII. A form with one of them would be an address with the words behind
 * it, and in a person's message these may be secrets. What joins letters of Persian and Hindi is a part of words.
 */
const ENDS_ADDRESS = /[\s"<>\\^`{|}\p{Cc}]|(?![\u200c\u200d])\p{Cf}|(?!\p{ASCII})[\p{P}\p{S}]/u;

/** Whether it closes no bracket that it did not open: such a bracket stands around the address. */
function isPaired(form: string): boolean {
  return ["()", "[]"].every(([open, close]) => {
    let depth = 0;
    for (const sign of form) {
      if (sign === open) depth += 1;
      if (sign === close) depth -= 1;
      if (depth < 0) return false;
    }
    return true;
  });
}

/** The messages of people, the results that quote others and the answers of people that contain it in some way. */
function readRows(sql: Sql, forms: string[]): Row[] {
  // People leave out the scheme, and pages escape what stands between the pieces.
  const needles = forms.map((form) => JSON.stringify(startOf(longest(withoutScheme(form).split(/[/&]/)))).slice(1, -1));
  const contains = (text: string) => `EXISTS (SELECT 1 FROM json_each(?) WHERE instr(${text}, value) > 0)`;
  const asked = JSON.stringify([...new Set(needles)]);
  return sql
    .exec<Row>(
      `SELECT seq, type, content, metadata FROM
         (SELECT seq, type, content, metadata FROM messages WHERE type IN ('user', 'tool') ORDER BY seq DESC LIMIT ?)
       WHERE (type = 'user' OR instr(metadata, '"names_until":') > 0 OR instr(metadata, '"said_at":') > 0)
         AND (${contains("content")} OR (content IS NULL AND EXISTS (
           SELECT 1 FROM overflow WHERE owner = 'm:' || seq AND ${contains("overflow.text")})))
       ORDER BY seq DESC`,
      MAX_SEARCHED,
      asked,
      asked,
    )
    .toArray();
}

function isNamedIn(sql: Sql, row: Row, forms: string[]): boolean {
  const content = readText(sql, `m:${row.seq}`, row.content);
  const metadata = parseStored(readText(sql, `d:${row.seq}`, row.metadata));
  if (isRecord(metadata) && metadata.chosen === true) return false;
  if (row.type === "user") return forms.some((form) => contains(content, form, true));
  if (!isRecord(metadata) || metadata.is_error === true) return false;
  const { said_at, names_until } = metadata;
  const said = readStored(toToolMessage, content, "result", row.seq)?.content ?? "";
  if (typeof said_at === "number") return forms.some((form) => contains(said.slice(said_at), form, true));
  if (typeof names_until !== "number") return false;
  return isInPage(said.slice(0, names_until), forms) && !isWrittenByCall(sql, row.seq, forms);
}

/** SQLite compares all of a needle at each place. */
const MAX_NEEDLE = 64;

/** Well-formed, as SQLite has it. */
function startOf(piece: string): string {
  return piece.slice(0, MAX_NEEDLE).replace(/[\ud800-\udbff]$/, "");
}

function longest(texts: string[]): string {
  return texts.reduce((one, other) => (other.length > one.length ? other : one));
}

/** JSON, feeds and HTML that is shown as text have addresses with escapes, which a model takes out. */
function isInPage(text: string, forms: string[]): boolean {
  const plain = text.replace(/\\\/|&(?:amp|#0*38|#x0*26);|\\u0026/gi, (escaped) => (escaped === "\\/" ? "/" : "&"));
  return forms.some((form) => contains(text, form, false) || contains(plain, form, false));
}

/** A long page has links in the middle too, which is not in the message. */
function isNamedInWhole(sql: Sql, forms: string[]): boolean {
  const rows = sql
    .exec<{ seq: number; content: string | null; metadata: string | null }>(
      `SELECT results.seq, results.content, messages.metadata FROM results JOIN messages USING (seq)
       WHERE instr(messages.metadata, '"names_until":') > 0 ORDER BY results.seq DESC LIMIT ?`,
      MAX_WHOLE,
    )
    .toArray();
  let left = MAX_WHOLE_CHARACTERS;
  return rows.some(({ seq, content, metadata }) => {
    const said = parseStored(metadata ?? "null");
    if (!isRecord(said) || said.is_error === true || typeof said.names_until !== "number" || left < 0) return false;
    const whole = readText(sql, `w:${seq}`, content);
    left -= whole.length;
    return isInPage(whole, forms) && !isWrittenByCall(sql, seq, forms);
  });
}

/** Whether the message that made the call contains the address as a whole, also behind the escapes of JSON. */
function isWrittenByCall(sql: Sql, seq: number, forms: string[]): boolean {
  const [row] = sql
    .exec<{ seq: number; content: string | null }>(
      "SELECT seq, content FROM messages WHERE type = 'assistant' AND seq < ? ORDER BY seq DESC LIMIT 1",
      seq,
    )
    .toArray();
  if (row === undefined) return false;
  const message = readStored(toChatMessage, readText(sql, `m:${row.seq}`, row.content), "message", row.seq);
  const calls = message?.role === "assistant" ? (message.tool_calls ?? []) : [];
  const written = calls.map(({ function: { arguments: given } }) => JSON.stringify(parseStored(given)) ?? given);
  return written.some((text) => forms.some((form) => contains(text, form, true)));
}

function withoutScheme(form: string): string {
  return form.replace(/^https?:\/\//i, "");
}

/**
 * Signs that may follow an address in a text without being a part of it; a slash at its end may come first. Chinese
 * needs no space after an address.
 */
const AFTER_ADDRESS = /^\/?(?:$|[\s"'<>()[\]{}\\|^`,;*#]|\P{ASCII}|[.!?:](?:$|[\s"'\\<)\]*]|\P{ASCII}))/u;
/** What may precede an address without a scheme; a line end or a tab is written as JSON does. */
const BEFORE_HOST = /(?:^|[^\w.@%/\-=&?#+~:]|\/\/|(?:^|[^\\])\\[nrtf])$/;
/** A sign that an address may have, and that ends it where it also precedes it. */
const AROUND_ADDRESS = /(['*])(?:https?:\/\/)?(?:www\.)?$/i;
const MAX_BEFORE = "'https://www.".length;

/**
 * Whether the text has the address, and not only a longer one that begins with it. `people` also write addresses
 * without a scheme.
 */
function contains(text: string, form: string, people: boolean): boolean {
  const needle = people ? withoutScheme(form) : form;
  const hasScheme = needle !== withoutScheme(needle);
  for (const at of findPlaces(text, needle)) {
    const before = text.slice(Math.max(0, at - MAX_BEFORE), at);
    const isBegun = hasScheme || BEFORE_HOST.test(before);
    if (!isBegun || !AFTER_ADDRESS.test(text.slice(at + needle.length, at + needle.length + 3))) continue;
    const around = AROUND_ADDRESS.exec(before)?.[1];
    if (around === undefined || !needle.includes(around)) return true;
  }
  return false;
}
