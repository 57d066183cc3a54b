// Reads the tags of the dialect leniently: any case, a namespace before the name, attributes in any order with any
// quotes. Everything else that begins with `<` is text. A tag is short, so the reader never looks far ahead, however
// its input is split.
import { decodeEntities } from "./entities.ts";

/** `tool_calls` is another name of the block, `function` (Qwen) of the call; `arg_key` and `arg_value` are of GLM. */
export type TagName =
  | "function_calls"
  | "tool_calls"
  | "function_results"
  | "tool_response"
  | "invoke"
  | "function"
  | "parameter"
  | "arg_key"
  | "arg_value"
  | "think";

export interface Tag {
  name: TagName;
  /** `</…>` */
  closes: boolean;
  /** `<…/>` */
  isEmpty: boolean;
  attributes: Map<string, string>;
  /** The tag has no `>`. */
  isBroken: boolean;
  /** The position after its last character. */
  end: number;
}

/** What a `<` begins; `partial` means that the next characters decide. */
export type TagMatch = Tag | "none" | "partial";

/** The text that was read and not consumed yet. */
export interface Cursor {
  rest: string;
  at: number;
  /** Nothing follows `rest`. */
  isEnd: boolean;
}

/** A tool's name has at most 64 characters. Twice that for each of several attributes is more than anyone writes. */
const MAX_TAG_CHARACTERS = 512;

// Prefixes such as `<ns:invoke` and DeepSeek's `<｜DSML｜invoke`, whose bars may be doubled and followed by a space. Its
// block may be named `calls`.
const bars = "[|｜‖]{1,2}";
const dsml = `${bars}[a-z]{1,16}${bars} ?`;
const names =
  "function_calls|tool_calls?|toolcall|function_results?|tool_response|invoke|function|parameter|arg_key|arg_value|thinking|thought|think|reasoning";
const head = new RegExp(
  `<(\\/?)(?:(?:[a-z][\\w.-]{0,31}:|longcat_|${dsml})?(${names})|${dsml}(calls))(?=[\\s>/=<])`,
  "iy",
);
const headAtEnd = new RegExp(`${head.source.slice(0, head.source.lastIndexOf("(?="))}$`, "iy");
/** Kimi's tokens: around all calls, around each, and between its name and its JSON. */
const kimi = /<\|tool_call(?:s_section_(?:begin|end)|_(?:begin|end|argument_begin))\|>/y;
/** Every head starts like this; a longer text is no head. */
const begunHead = /<\/?[\w.:|｜‖-]{0,60}(?:[|｜‖] \w{0,20})?$/y;

export function readTag({ rest, at, isEnd }: Cursor): TagMatch {
  const token = matchAt(kimi, rest, at)?.[0];
  if (token !== undefined) return blockTag(at + token.length, token.endsWith("_end|>"));
  const found = matchAt(head, rest, at) ?? (isEnd ? matchAt(headAtEnd, rest, at) : null);
  if (!found) return !isEnd && matchAt(begunHead, rest, at) ? "partial" : "none";
  const [whole, slash, name = "function_calls"] = found;
  const from = at + whole.length;
  const limit = at + MAX_TAG_CHARACTERS;
  const end = findEnd(rest, from, limit);
  if (end === null && !isEnd && rest.length <= limit) return "partial";
  const isBroken = end === null || rest[end] === "<";
  const inside = rest.slice(from, end ?? limit);
  const isEmpty = inside.trimEnd().endsWith("/");
  const attributes = readAttributes(isEmpty ? inside.slice(0, inside.lastIndexOf("/")) : inside);
  const tagName = readName(name);
  // `<function>` is a word of many other languages.
  if (tagName === "function" && slash === "" && !/^\s*=/.test(inside)) return "none";
  return {
    name: tagName,
    closes: slash !== "",
    isEmpty,
    attributes,
    isBroken,
    end: isBroken ? (end ?? Math.min(limit, rest.length)) : (end ?? 0) + 1,
  };
}

function blockTag(end: number, closes: boolean): Tag {
  return { name: "tool_calls", closes, isEmpty: false, attributes: new Map(), isBroken: false, end };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** The position of the `>` that ends the tag, or of a `<` before it. */
function findEnd(text: string, from: number, limit: number): number | null {
  for (let at = from; at < Math.min(text.length, limit); at++) {
    if (text[at] === ">" || text[at] === "<") return at;
  }
  return null;
}

function readName(written: string): TagName {
  const name = written.toLowerCase();
  // Bedrock's word for what gpt-oss thinks: https://github.com/CherryHQ/cherry-studio/issues/10225
  if (name.startsWith("think") || name === "thought" || name === "reasoning") return "think";
  if (/^tool_?call/.test(name)) return "tool_calls";
  return name.startsWith("function_result") ? "function_results" : (name as TagName);
}

/** The first attribute of a name counts. `<invoke=x>` is read as `<invoke name=x>`. */
function readAttributes(inside: string): Map<string, string> {
  const attributes = new Map<string, string>();
  const written = /^\s*=/.test(inside) ? `name${inside}` : inside;
  for (const found of written.matchAll(
    /(?<![\w:.-])[\d:.-]*([a-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"?|'([^']*)'?|([^\s"']+))/gi,
  )) {
    const name = (found[1] ?? "").toLowerCase();
    const value = decodeEntities(found[2] ?? found[3] ?? found[4] ?? "").trim();
    if (!attributes.has(name)) attributes.set(name, value);
  }
  return attributes;
}

/** Whether the tag is markup of the dialect: prose may mention `<parameter>`. */
function isMarkup(tag: Tag): boolean {
  if (tag.name === "think") return !tag.isBroken;
  if (tag.name === "arg_key" || tag.name === "arg_value") return false;
  if (tag.name === "function") return !tag.closes;
  return tag.name !== "parameter" || tag.closes || tag.isBroken || tag.attributes.has("name");
}

/** Whether the tag belongs to a block of calls. */
export function isBlock({ name }: Tag): boolean {
  return name === "function_calls" || name === "tool_calls";
}

/** Whether the tag begins or ends one call. */
export function isInvoke({ name }: Tag): boolean {
  return name === "invoke" || name === "function";
}

/** Whether results begin, which only the tools may write. */
export function isResults({ name, closes }: Tag): boolean {
  return !closes && (name === "function_results" || name === "tool_response");
}

/** Whether the tag begins something that is executed. */
export function isOpener(tag: Tag): boolean {
  if (tag.closes || tag.name === "think" || tag.name === "tool_response") return false;
  return tag.name !== "parameter" || tag.attributes.has("name");
}

/** Whether the text held back is the first half of a tag that begins a call. */
export function beginsCall({ rest, at }: Cursor): boolean {
  const held = rest.slice(at);
  const [, name = ""] = /^<(?:[\w.-]+:|[|｜‖]+\w+[|｜‖]+ ?)?([a-z_]+)$/i.exec(held) ?? [];
  const isTag = ["function_calls", "tool_calls", "invoke"].some((whole) => whole.startsWith(name.toLowerCase()));
  return name !== "" && isTag;
}

/** The position where a tag begins that was read. */
export function startOf({ rest }: Cursor, tag: Tag): number {
  return rest.lastIndexOf("<", tag.end - 1);
}

/** Consumes up to the position. */
export function take(cursor: Cursor, end: number): string {
  const text = cursor.rest.slice(cursor.at, end);
  cursor.at = end;
  return text;
}

/** Moves after the next tag and gives the text before it to `onOther`; null if all that is known was consumed. */
export function findTag(cursor: Cursor, onOther: (text: string) => void): Tag | null {
  const { rest } = cursor;
  for (let at = rest.indexOf("<", cursor.at); at >= 0; at = rest.indexOf("<", at + 1)) {
    const tag = readTag({ ...cursor, at });
    if (tag === "none") continue;
    if (at > cursor.at) onOther(take(cursor, at));
    if (tag === "partial") return null;
    cursor.at = tag.end;
    return tag;
  }
  if (cursor.at < rest.length) onOther(take(cursor, rest.length));
  return null;
}

/** The markup that begins at `at`. Nearly all of a reply is plain text, so this looks at one more character first. */
export function readMarkup({ rest, isEnd }: Cursor, at: number): TagMatch {
  if (!beginsTag(rest, at)) return "none";
  const tag = readTag({ rest, at, isEnd });
  return tag === "none" || tag === "partial" || isMarkup(tag) ? tag : "none";
}

/** What may begin markup, and what begins and ends code. */
const special = /[<`~\n]/;

/** This runs for every token. `markup`: there may be some; `layout`: line breaks or marks of code. */
export function classify(text: string): "plain" | "layout" | "markup" {
  if (!special.test(text)) return "plain";
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at + 1)) if (beginsTag(text, at)) return "markup";
  return "layout";
}

/** Whether `special` has the character. */
export function isSpecial(code: number): boolean {
  // Nearly all letters are above the others.
  return code > 0x60 ? code === 0x7e : code === 0x3c || code === 0x60 || code === 0x0a;
}

/** Whether the next character, if there is one, can be the second one of a tag: a letter, a slash or a bar. */
function beginsTag(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0x3c) return false;
  if (at + 1 === text.length) return true;
  const next = text.charCodeAt(at + 1);
  return next === 0x2f || (next > 0x40 && next < 0x5b) || (next > 0x60 && next < 0x7d) || next > 0x7f;
}
