// Decides whether a tag after an opening backtick is code: it is if the same number of backticks closes the span. So
// the text waits from the tag on, and not for long: nobody writes a page between backticks, and a blank line ends a
// span.
import type { Cursor } from "./tags.ts";

/** An example of a call between backticks is shorter. */
const MAX_SPAN_CHARACTERS = 4000;

/** `end` is the position after the backticks that close the span. */
export type SpanResult = { end: number } | "none" | "undecided";

export interface SpanFinder {
  /**
   * The cursor is at the tag, after `marks` opening backticks. When called again with more characters, it continues
   * where it stopped.
   */
  find(marks: number): SpanResult;
}

export function createSpanFinder(cursor: Cursor): SpanFinder {
  /** Relative to the tag, so that it stays valid when the cursor's text moves. */
  let looked = 0;
  let run = 0;
  let isBlankLine = false;

  function settle(result: SpanResult): SpanResult {
    looked = 0;
    run = 0;
    isBlankLine = false;
    return result;
  }

  return {
    find(marks) {
      const { rest, at, isEnd } = cursor;
      for (; at + looked < rest.length; looked++) {
        const character = rest[at + looked];
        if (character === "`") {
          run++;
          isBlankLine = false;
          continue;
        }
        if (run === marks) return settle({ end: at + looked });
        run = 0;
        if (character === "\n") {
          if (isBlankLine) return settle("none");
          isBlankLine = true;
        } else if (character !== " " && character !== "\t" && character !== "\r") isBlankLine = false;
        if (looked > MAX_SPAN_CHARACTERS) return settle("none");
      }
      if (!isEnd) return "undecided";
      return settle(run === marks ? { end: rest.length } : "none");
    },
  };
}
