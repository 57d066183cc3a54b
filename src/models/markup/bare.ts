// Some small models write a call as JSON and nothing around it (Qwen2.5-Coder, Llama 3). That is a call only where it
// can hardly be anything else: it begins the answer, and its first keys are the name of a tool and its arguments.
import type { Calls } from "./calls.ts";
import type { Offer } from "./offer.ts";
import type { Cursor } from "./tags.ts";

/** The head of `{"name": "f", "arguments": {`. White space may stand between any two. */
const head = [/\{/y, /"name"/y, /:/y, /"[\w.:-]{1,128}"/y, /,/y, /"(?:arguments|parameters)"/y, /:/y, /["{]/y];
const NAME = 3;
/** What the text may end with where the next part of the head is incomplete. */
const begun = [/$/y, /(?:"\w{0,5})?$/y, /$/y, /(?:"[\w.:-]{0,128})?$/y, /$/y, /(?:"\w{0,11})?$/y, /$/y, /$/y];
/** The usual layout is shorter. */
const MAX_SPACE_CHARACTERS = 40;

/** The cursor is where the answer begins. */
export function findBareCall({ rest, at, isEnd }: Cursor, calls: Calls): Offer {
  let end = at;
  // A list of calls.
  if (rest.charAt(at) === "[") end = skipSpace(rest, at + 1);
  if (end - at > MAX_SPACE_CHARACTERS) return "none";
  for (const [index, part] of head.entries()) {
    const found = matchAt(part, rest, end);
    if (found === null) return !isEnd && matchAt(begun[index] ?? part, rest, end) !== null ? "undecided" : "none";
    if (index === NAME && !calls.isOffered(found.slice(1, -1))) return "none";
    const start = end + found.length;
    end = skipSpace(rest, start);
    if (end - start > MAX_SPACE_CHARACTERS) return "none";
  }
  return "offered";
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** The position after white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at++;
  return at;
}
