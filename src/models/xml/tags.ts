// The tags of the dialect, read leniently: any case, a namespace before the name, attributes in any order with any quotes.
// Everything else that begins with `<` is text. A tag is short, so the reader never looks far, however its input is cut.
import { decodeEntities } from "./entities.ts";

/** `tool_calls` is how others name the block: read as one, and told as malformed where it holds calls in another form. */
export type TagName = "function_calls" | "tool_calls" | "function_results" | "invoke" | "parameter" | "think";

export interface Tag {
  name: TagName;
  /** `</…>`. */
  closes: boolean;
  /** `<…/>`. */
  isEmpty: boolean;
  attributes: Map<string, string>;
  /** It has no `>`. */
  isBroken: boolean;
  /** Behind its last character. */
  end: number;
}

/** What stands where a `<` is; `partial` is told with the next characters. */
export type Sight = Tag | "none" | "partial";

/** What is read and not used yet. */
export interface Cursor {
  rest: string;
  at: number;
  /** Nothing follows `rest`. */
  isEnd: boolean;
}

/** A tool's name has 64 characters at most; twice that for each of several attributes is more than anyone writes. */
const MAX_TAG_CHARACTERS = 512;

// `<ns:invoke` and the `<｜DSML｜invoke` of DeepSeek.
const prefix = "(?:[a-z][\\w.-]{0,31}:|[|｜][a-z]{1,16}[|｜])?";
const head = new RegExp(
  `<(\\/?)${prefix}(function_calls|tool_calls?|function_results?|invoke|parameter|thinking|think)(?=[\\s>/=<])`,
  "iy",
);
const headAtEnd = new RegExp(`${head.source.slice(0, head.source.lastIndexOf("(?="))}$`, "iy");
/** A beginning of every head is of this form; what is longer is no head. */
const begunHead = /<\/?[\w.:|｜-]{0,60}$/y;

export function readTag({ rest, at, isEnd }: Cursor): Sight {
  const found = matchAt(head, rest, at) ?? (isEnd ? matchAt(headAtEnd, rest, at) : null);
  if (!found) return !isEnd && matchAt(begunHead, rest, at) ? "partial" : "none";
  const [whole, slash, name = ""] = found;
  const from = at + whole.length;
  const most = at + MAX_TAG_CHARACTERS;
  const end = findEnd(rest, from, most);
  if (end === null && !isEnd && rest.length <= most) return "partial";
  const isBroken = end === null || rest[end] === "<";
  const inside = rest.slice(from, end ?? most);
  const isEmpty = inside.trimEnd().endsWith("/");
  return {
    name: readName(name),
    closes: slash !== "",
    isEmpty,
    attributes: readAttributes(isEmpty ? inside.slice(0, inside.lastIndexOf("/")) : inside),
    isBroken,
    end: isBroken ? (end ?? Math.min(most, rest.length)) : (end ?? 0) + 1,
  };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Where the `>` is that ends the tag, or the `<` that comes before any. */
function findEnd(text: string, from: number, most: number): number | null {
  for (let at = from; at < Math.min(text.length, most); at++) {
    if (text[at] === ">" || text[at] === "<") return at;
  }
  return null;
}

function readName(written: string): TagName {
  const name = written.toLowerCase();
  if (name.startsWith("think")) return "think";
  if (name.startsWith("tool_call")) return "tool_calls";
  return name.startsWith("function_result") ? "function_results" : (name as TagName);
}

/** The first of a name counts. `<invoke=x>` is read as `<invoke name=x>`. */
function readAttributes(inside: string): Map<string, string> {
  const attributes = new Map<string, string>();
  const written = /^\s*=/.test(inside) ? `name${inside}` : inside;
  for (const found of written.matchAll(/([a-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"?|'([^']*)'?|([^\s"']+))/gi)) {
    const name = (found[1] ?? "").toLowerCase();
    const value = decodeEntities(found[2] ?? found[3] ?? found[4] ?? "").trim();
    if (!attributes.has(name)) attributes.set(name, value);
  }
  return attributes;
}

/** Whether the tag is one of the dialect: prose may speak of `<parameter>`. */
export function isMarkup(tag: Tag): boolean {
  if (tag.name === "think") return !tag.isBroken;
  return tag.name !== "parameter" || tag.closes || tag.isBroken || tag.attributes.has("name");
}

/** Whether it is the tag of a block of calls. */
export function isBlock({ name }: Tag): boolean {
  return name === "function_calls" || name === "tool_calls";
}

/** Whether it begins something that is run. */
export function isOpener(tag: Tag): boolean {
  if (tag.closes || tag.name === "think") return false;
  return tag.name !== "parameter" || tag.attributes.has("name");
}

/** Whether what is held back is the first half of a tag that begins a call. */
export function beginsCall({ rest, at }: Cursor): boolean {
  const [, name = ""] = /^<(?:[\w.-]+:|[|｜]\w+[|｜])?([a-z_]+)$/i.exec(rest.slice(at)) ?? [];
  return (
    name !== "" && ["function_calls", "tool_calls", "invoke"].some((whole) => whole.startsWith(name.toLowerCase()))
  );
}

/** Where a tag begins that was read. */
export function startOf({ rest }: Cursor, tag: Tag): number {
  return rest.lastIndexOf("<", tag.end - 1);
}
