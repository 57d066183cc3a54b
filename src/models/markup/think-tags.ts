// Decides which `<think>` and `</think>` of an answer with native calls are tags, and which are words of the answer. A
// thought stands at the start of a line, and an answer may mention the tags.
import type { Offer } from "./offer.ts";
import type { Cursor, Tag } from "./tags.ts";

export interface ThinkTags {
  admitStart(beginsLine: boolean): Offer;
  /** `last`: the text before the tag. */
  admitEnd(tag: Tag, cursor: Cursor, beginsLine: boolean, last: string): Offer;
  noteStart(): void;
  /** An end that was taken. */
  noteEnd(): void;
  /** Whether an end came that nothing in the reply had begun. */
  readonly hasStrayEnd: boolean;
}

export function createThinkTags(): ThinkTags {
  let hasStart = false;
  let hasStrayEnd = false;
  /** Starts that stay text and whose ends have not come. */
  let mentioned = 0;

  function noteEnd(): void {
    hasStrayEnd ||= !hasStart;
  }

  return {
    admitStart(beginsLine) {
      if (beginsLine) return "offered";
      mentioned++;
      return "none";
    },
    admitEnd(tag, { rest, isEnd }, beginsLine, last) {
      if (mentioned > 0) {
        mentioned--;
        return "none";
      }
      // A word of its own.
      if (!beginsLine && /\s$/.test(last.slice(-1))) return "none";
      if (tag.end === rest.length && !isEnd) return "undecided";
      noteEnd();
      // Between two words it stays: without it, they would be one.
      return beginsLine || tag.end === rest.length || /\s/.test(rest.charAt(tag.end)) ? "offered" : "none";
    },
    noteStart() {
      hasStart = true;
    },
    noteEnd,
    get hasStrayEnd() {
      return hasStrayEnd;
    },
  };
}
