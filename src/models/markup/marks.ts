// What may be markup in a text: tags and special tokens, found fast, since nearly all of a reply is plain text.
import { type Cursor, isMarkup, isOpener, readTag, type Tag } from "./tags.ts";
import { isCall, readToken, type Token } from "./tokens.ts";

export type Mark = { tag: Tag; token: null } | { tag: null; token: Token };

export function readMark({ rest, isEnd }: Cursor, at: number): Mark | "none" | "partial" {
  if (!beginsMark(rest, at)) return "none";
  const here = { rest, at, isEnd };
  const tag = rest.charCodeAt(at) === 0x3c ? readTag(here) : "none";
  if (tag === "partial") return tag;
  if (tag !== "none") return isMarkup(tag) ? { tag, token: null } : "none";
  const token = readToken(here);
  return token === "none" || token === "partial" ? token : { tag: null, token };
}

/** Whether the mark begins something that is executed. */
export function opensCall({ tag, token }: Mark): boolean {
  return tag ? isOpener(tag) : isCall(token);
}

/** What may begin markup, and what begins and ends code. */
const special = /[<`~\n[]/;

/** This runs for every token. `markup`: there may be some; `layout`: line breaks or marks of code. */
export function classify(text: string): "plain" | "layout" | "markup" {
  if (!special.test(text)) return "plain";
  for (let at = 0; at < text.length; at++) {
    if (beginsMark(text, at)) return "markup";
  }
  return "layout";
}

/** Whether `special` has the character. */
export function isSpecial(code: number): boolean {
  // Nearly all letters are above the others.
  return code > 0x60 ? code === 0x7e : code === 0x3c || code === 0x60 || code === 0x0a || code === 0x5b;
}

/** Whether the next character, if there is one, can be the second one of markup. */
function beginsMark(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  if (first !== 0x3c && first !== 0x5b) return false;
  if (at + 1 === text.length) return true;
  const next = text.charCodeAt(at + 1);
  if (first === 0x5b) return next === 0x54;
  // A letter, a slash or a bar.
  return next === 0x2f || (next > 0x40 && next < 0x5b) || (next > 0x60 && next < 0x7d) || next > 0x7f;
}
