// Reads the text of one parameter as it arrives. Values are not escaped, so they may contain tags of this dialect:
//
// - A value ends at a `</parameter>` followed by white space and then by something that can follow a parameter: another
//   one, the end of the call or the end of the block. Any other `</parameter>` belongs to the value.
// - A value in CDATA ends at a `]]>` before a `</parameter>`. `]]>` before another `<![CDATA[` joins the two.
// - A line break directly after the opening tag is layout, and then so is the last one before the closing tag.
// - GLM's `<arg_value>` is read the same way, with its own tags.
// - A bare tag that calls something may be content, or the `</parameter>` before it may be missing. This can't be
//   decided, so it is reported (`suspect`): half of a file is worse than an error.
import { type Cursor, isBlock, isInvoke, isResults, readTag, type Tag, type TagName, take } from "./tags.ts";

export interface ValueSink {
  /** A piece of the value, without layout. */
  add(piece: string): void;
  /** Called before the first piece if the value is in CDATA. */
  setVerbatim(): void;
}

export interface ValueReader {
  /** Consumes what it can; true if the value has ended, false if it needs more. */
  read(cursor: Cursor): boolean;
  /** A tag that may mean that the value's own closing tag is missing. */
  readonly suspect: string | null;
}

const CDATA = "<![CDATA[";
const CDATA_END = "]]>";

/** `name` is that of the tag around the value. */
export function createValueReader(sink: ValueSink, name: TagName): ValueReader {
  const layout = createLayout(sink.add);
  let phase: "lead" | "raw" | "raw_closed" | "cdata" | "cdata_closed" = "lead";
  /** White space that may be layout around CDATA, or a closing tag that may belong to the value. */
  let held = "";
  let suspect: string | null = null;

  function keep(): void {
    layout.add(held);
    held = "";
  }

  function holdSpace(cursor: Cursor): void {
    let end = cursor.at;
    while (end < cursor.rest.length && isSpace(cursor.rest.charCodeAt(end))) end++;
    held += take(cursor, end);
  }

  /** Whether the marker is at the cursor; null while only a part of it has arrived. */
  function findHere({ rest, at, isEnd }: Cursor, marker: string): boolean | null {
    if (rest.startsWith(marker, at)) return true;
    return !isEnd && rest.length - at < marker.length && marker.startsWith(rest.slice(at)) ? null : false;
  }

  function readLead(cursor: Cursor): boolean {
    holdSpace(cursor);
    if (cursor.at === cursor.rest.length) return false;
    const isCdata = findHere(cursor, CDATA);
    if (isCdata === null) return false;
    if (isCdata) {
      held = "";
      cursor.at += CDATA.length;
      sink.setVerbatim();
    } else keep();
    phase = isCdata ? "cdata" : "raw";
    return true;
  }

  function readRaw(cursor: Cursor): boolean {
    let at = cursor.rest.indexOf("<", cursor.at);
    for (; at >= 0; at = cursor.rest.indexOf("<", at + 1)) {
      const tag = readTag({ ...cursor, at });
      if (tag === "none") continue;
      layout.add(take(cursor, at));
      if (tag === "partial") return false;
      const written = take(cursor, tag.end);
      if (tag.name === name && tag.closes && !tag.isBroken) {
        held = written;
        phase = "raw_closed";
      } else {
        if (isSuspect(tag, name)) suspect ??= written;
        layout.add(written);
      }
      return true;
    }
    layout.add(take(cursor, cursor.rest.length));
    return false;
  }

  /** True at the end of the value. */
  function readRawClosed(cursor: Cursor): boolean {
    holdSpace(cursor);
    if (cursor.at === cursor.rest.length) return cursor.isEnd;
    const tag = cursor.rest[cursor.at] === "<" ? readTag(cursor) : "none";
    if (tag === "partial") return false;
    if (tag !== "none" && mayFollow(tag, name)) return true;
    keep();
    phase = "raw";
    return false;
  }

  function readCdata(cursor: Cursor): boolean {
    const at = cursor.rest.indexOf(CDATA_END, cursor.at);
    if (at >= 0) {
      layout.add(take(cursor, at));
      held = take(cursor, at + CDATA_END.length);
      phase = "cdata_closed";
      return true;
    }
    const { rest, isEnd } = cursor;
    const begun = isEnd ? 0 : rest.endsWith("]]") ? 2 : rest.endsWith("]") ? 1 : 0;
    layout.add(take(cursor, Math.max(cursor.at, rest.length - begun)));
    return false;
  }

  function readCdataClosed(cursor: Cursor): boolean {
    if (held === CDATA_END) {
      const joins = findHere(cursor, CDATA);
      if (joins === null) return false;
      if (joins) {
        held = "";
        cursor.at += CDATA.length;
        phase = "cdata";
        return false;
      }
    }
    holdSpace(cursor);
    if (cursor.at === cursor.rest.length) return false;
    const tag = cursor.rest[cursor.at] === "<" ? readTag(cursor) : "none";
    if (tag === "partial") return false;
    if (tag !== "none" && tag.name === name && tag.closes) {
      cursor.at = tag.end;
      return true;
    }
    keep();
    phase = "cdata";
    return false;
  }

  return {
    read(cursor) {
      for (;;) {
        const before = phase;
        if (phase === "raw_closed" || phase === "cdata_closed") {
          const ended = phase === "raw_closed" ? readRawClosed(cursor) : readCdataClosed(cursor);
          if (ended) {
            layout.end();
            return true;
          }
          if (phase === before) return false;
        } else {
          const goesOn = phase === "lead" ? readLead(cursor) : phase === "raw" ? readRaw(cursor) : readCdata(cursor);
          if (!goesOn) return false;
        }
      }
    },
    get suspect() {
      return suspect;
    },
  };
}

/** Whether the tag can follow the end of a value in a tag of this name. */
function mayFollow(tag: Tag, name: TagName): boolean {
  const { closes, isBroken, attributes } = tag;
  if (isBlock(tag)) return closes || name === "arg_value";
  if (isResults(tag)) return true;
  if (name === "arg_value") return tag.name === "arg_key" && !closes;
  if (tag.name === "parameter") return !closes && (isBroken || attributes.has("name"));
  return isInvoke(tag) && (closes || isBroken || attributes.has("name"));
}

function isSuspect(tag: Tag, name: TagName): boolean {
  const { closes, isEmpty, attributes } = tag;
  if (name === "arg_value") return isBlock(tag) || ((tag.name === "arg_key" || tag.name === name) && !closes);
  if (tag.name === "parameter") return !closes && !isEmpty && attributes.has("name");
  if (tag.name === "invoke") return closes || attributes.has("name");
  return tag.name === "function_calls" || (tag.name === "function" && !closes);
}

/** Drops the line break after the opening tag, and with it the one before the closing tag. */
function createLayout(out: (piece: string) => void): { add(piece: string): void; end(): void } {
  let isBlock: boolean | null = null;
  /** A lone `\r` at the start, and later the last line break with the indentation after it. */
  let held = "";
  return {
    add(piece) {
      if (piece === "") return;
      // Endless indentation must not be scanned again with each piece.
      if (held !== "" && held !== "\r" && /^[ \t]*$/.test(piece)) {
        held += piece;
        return;
      }
      let text = held + piece;
      held = "";
      if (isBlock === null) {
        if (text === "\r") {
          held = text;
          return;
        }
        const broken = /^\r?\n/.exec(text);
        isBlock = broken !== null;
        text = text.slice(broken?.[0].length ?? 0);
      }
      if (!isBlock) {
        if (text !== "") out(text);
        return;
      }
      const last = findLastBreak(text);
      held = text.slice(last);
      if (last > 0) out(text.slice(0, last));
    },
    end() {
      if (held !== "" && !/^\r?\n/.test(held)) out(held);
    },
  };
}

/**
 * The position of a line break followed only by spaces, or of a lone `\r` that may become one; the length if there is
 * none.
 */
function findLastBreak(text: string): number {
  let at = text.length;
  while (at > 0 && (text[at - 1] === " " || text[at - 1] === "\t")) at--;
  if (text[at - 1] === "\n") return text[at - 2] === "\r" ? at - 2 : at - 1;
  return text.endsWith("\r") ? text.length - 1 : text.length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
