// Whether a tag behind a backtick is code. That is told by what follows: it is where as many backticks close the span. So
// the text waits from the tag on, and not for long: nobody writes a page between backticks, and a paragraph ends a span.
import type { Cursor } from "./tags.ts";

/** An example of a call between backticks is shorter. */
const MAX_SPAN_CHARACTERS = 4000;

/** `end`: behind the backticks that close it. */
export type SpanVerdict = { end: number } | "none" | "undecided";

export interface SpanJudge {
  /** The cursor is at the tag; `marks` backticks have opened. Asked again with more characters, it goes on where it was. */
  judge(marks: number): SpanVerdict;
}

export function createSpanJudge(cursor: Cursor): SpanJudge {
  /** From the tag, so that it stays right when the cursor's text moves. */
  let looked = 0;
  let run = 0;
  let isBlankLine = false;

  function settle(verdict: SpanVerdict): SpanVerdict {
    looked = 0;
    run = 0;
    isBlankLine = false;
    return verdict;
  }

  return {
    judge(marks) {
      const { rest, at, isEnd } = cursor;
      for (; at + looked < rest.length; looked++) {
        const character = rest[at + looked];
        if (character === "`") {
          run++;
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
