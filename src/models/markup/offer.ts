// Decides whether markup names a tool that the request offered. With native calls only such markup is a call, because
// an answer may also discuss markup. The text waits from the opening tag to the name, and not for long.
import type { Calls } from "./calls.ts";
import { createJsonScanner } from "./json.ts";
import { type Cursor, isBlock, isInvoke, readTag } from "./tags.ts";

/** The name nearly always comes before the arguments; a longer beginning without one is text. */
const MAX_HELD_CHARACTERS = 4000;
/** Of one reply, so that a thousand openings cost no more than some. */
const MAX_LOOKED_CHARACTERS = 400_000;
/** Layout around a name is shorter. */
const MAX_SPACE_CHARACTERS = 200;
/** A block, a call and a fence, with one to spare. */
const MAX_OPENERS = 4;

export type Offer = "offered" | "none" | "undecided";

export interface OfferFinder {
  /** The cursor is at the opening tag. When called again with more characters, JSON is not read again. */
  find(): Offer;
}

const word = /[\w.:-]{1,128}/y;

export function createOfferFinder(cursor: Cursor, calls: Calls): OfferFinder {
  /** JSON that was read in part. Its positions are relative to the opening tag. */
  let json: { scanner: ReturnType<typeof createJsonScanner>; read: number } | null = null;
  let left = MAX_LOOKED_CHARACTERS;

  function settle(offer: Offer): Offer {
    if (offer !== "undecided") json = null;
    return offer;
  }

  function findInJson(from: number): Offer {
    json ??= { scanner: createJsonScanner(), read: from };
    const { rest, at, isEnd } = cursor;
    const limit = at + Math.min(MAX_HELD_CHARACTERS, json.read + left);
    const end = json.scanner.read(rest.slice(0, limit), at + json.read) - at;
    left -= end - json.read;
    json.read = end;
    if (json.scanner.names.some(calls.isOffered)) return "offered";
    return json.scanner.state === "open" && rest.length < limit && !isEnd ? "undecided" : "none";
  }

  /** The name of a tool, and then what can follow one. */
  function findWord(at: number, nameEnd: number): Offer {
    const { rest, isEnd } = cursor;
    if (!calls.isOffered(rest.slice(at, nameEnd))) return "none";
    let end = nameEnd;
    while (end < rest.length && /\s/.test(rest.charAt(end))) end++;
    if (end - at > MAX_SPACE_CHARACTERS) return "none";
    if (end === rest.length && !isEnd) return "undecided";
    if (/[{`]/.test(rest.charAt(end))) return "offered";
    const tag = rest.charAt(end) === "<" ? readTag({ ...cursor, at: end }) : "none";
    if (tag === "partial") return "undecided";
    return tag !== "none" && (tag.name === "arg_key" || isBlock(tag)) ? "offered" : "none";
  }

  function look(): Offer {
    const { rest, isEnd } = cursor;
    if (json) return findInJson(json.read);
    let at = cursor.at;
    for (let openers = 0; openers <= MAX_OPENERS; openers++) {
      const start = at;
      while (at < rest.length && /[\s`]/.test(rest.charAt(at))) at++;
      if (at - start > MAX_SPACE_CHARACTERS) return "none";
      if (at >= rest.length) return isEnd ? "none" : "undecided";
      const character = rest.charAt(at);
      const tag = character === "<" ? readTag({ ...cursor, at }) : "none";
      if (tag === "partial") return "undecided";
      if (tag !== "none") {
        if (tag.closes) return "none";
        if (isInvoke(tag)) return calls.isOffered(tag.attributes.get("name") ?? "") ? "offered" : "none";
        if (!isBlock(tag) || tag.isBroken) return "none";
        at = tag.end;
      } else if (character === "{" || character === "[") return findInJson(at - cursor.at);
      else {
        word.lastIndex = at;
        const name = word.exec(rest)?.[0] ?? "";
        if (name === "") return "none";
        const end = at + name.length;
        if (end === rest.length && !isEnd) return "undecided";
        if (name === "json") {
          at = end;
          continue;
        }
        return findWord(at, end);
      }
    }
    return "none";
  }

  return { find: () => settle(look()) };
}
