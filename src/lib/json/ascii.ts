// JSON in ASCII where that costs little. V8 keeps a text of ASCII in one byte a character, and sends it as it is. One
// other character, a dash or an arrow, makes two bytes of each and costs an encoding of the whole request, which was a
// fourteenth of a step's CPU.

import { putNewest } from "../memory/newest.ts";

/** An escape is six bytes where UTF-8 has two or three, so a text in Chinese would become twice as long. */
const MAX_SHARE = 1 / 16;

const others = /[^\0-\x7f]/g;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is made from a text of two bytes a character has two, whatever is in it, and so has all that it is joined to. */
function narrow(ascii: string): string {
  return decoder.decode(encoder.encode(ascii));
}

/** Long texts that were escaped last: an agent's prompt is the same in each new thread. A megabyte at most. */
const escaped = new Map<string, string>();
const MAX_ESCAPED = 16;
const LONG_UNITS = { from: 2_000, through: 20_000 };

/** The same JSON with its few other characters escaped; as it is if they are many. */
export function escapeFew(json: string): string {
  const first = json.search(others);
  if (first < 0) return json;
  const known = escaped.get(json);
  if (known !== undefined) return known;
  const most = json.length * MAX_SHARE;
  let count = 0;
  for (let at = first; at < json.length; at++) {
    if (json.charCodeAt(at) > 0x7f && ++count > most) return json;
  }
  const ascii = narrow(json.replace(others, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`));
  if (json.length >= LONG_UNITS.from && json.length <= LONG_UNITS.through) {
    putNewest(escaped, json, ascii, MAX_ESCAPED);
  }
  return ascii;
}
