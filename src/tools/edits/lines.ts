// Lines of a text that may be large: they are visited one by one, since an array of ten million of them would not fit
// beside the text.
import { cutEnd } from "../../lib/truncate.ts";

/** `start` and `end` are offsets; `end` is before the line feed. Return false to stop. */
type Visit = (start: number, end: number, index: number) => boolean | undefined;

export function eachLine(text: string, visit: Visit): void {
  let start = 0;
  for (let index = 0; ; index++) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed;
    // What follows the last line feed is a line only if it has text.
    if (feed < 0 && start === text.length && index > 0) return;
    if (visit(start, end, index) === false || feed < 0) return;
    start = feed + 1;
  }
}

/** Line numbers count from 1. Offsets must ascend; the text is walked once. */
export function lineNumbers(text: string, offsets: readonly number[]): number[] {
  let line = 1;
  let at = 0;
  return offsets.map((offset) => {
    for (let feed = text.indexOf("\n", at); feed >= 0 && feed < offset; feed = text.indexOf("\n", at)) {
      line++;
      at = feed + 1;
    }
    return line;
  });
}

const SHOWN_LINES = 30;
const SHOWN_CHARACTERS = 4_000;
/** Enough for any line that a person wrote. */
const LINE_CHARACTERS = 500;

/** Lines as they stand in the text, each behind its number and a tab, from `first` (counted from 1) to `last`. */
export function numberLines(text: string, first: number, last: number): string {
  const shown: string[] = [];
  let length = 0;
  let left = 0;
  eachLine(text, (start, end, index) => {
    if (index + 1 < first) return true;
    if (index + 1 > last) return false;
    if (shown.length >= SHOWN_LINES || length >= SHOWN_CHARACTERS) {
      left++;
      return true;
    }
    const stop = text[end - 1] === "\r" && end > start ? end - 1 : end;
    const line = cutEnd(text.slice(start, Math.min(stop, start + LINE_CHARACTERS + 1)), LINE_CHARACTERS);
    const mark = stop - start > line.length ? `… [${stop - start - line.length} characters more]` : "";
    shown.push(`${index + 1}\t${line}${mark}`);
    length += line.length;
    return true;
  });
  return [...shown, ...(left > 0 ? [`[${left} lines more]`] : [])].join("\n");
}
