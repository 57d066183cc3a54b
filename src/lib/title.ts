// Derives a title from a text: its first line with visible text.
import { ownText } from "./memory/text-bytes.ts";
import { cutEnd } from "./truncate.ts";

/** A longer title says no more in a list. UTF-16 units. */
export const TITLE_UNITS = 80;

const LINE_ENDS = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/**
 * Invisible characters, some of which change how the text around them is displayed. A tab counts as a space. Joiners
 * and selectors, which are part of words and emoji, are handled by `STRAY`.
 */
const HIDDEN = /(?![\t\p{Join_Control}\p{Variation_Selector}])[\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;
/** Joiners and selectors with nothing before them to belong to. */
const STRAY = /(?<![\p{L}\p{M}\p{N}\p{S}#*])[\p{Join_Control}\p{Variation_Selector}]+/gu;
/** The blank Braille pattern is a symbol that shows nothing. */
const BLANK = "\u2800";

/** Takes some milliseconds to make, which no start should pay. */
let graphemes: Intl.Segmenter | undefined;

/** Null if no line has visible text. */
export function toTitle(text: string): string | null {
  for (const line of text.split(LINE_ENDS)) {
    const shown = line.replace(HIDDEN, "").replaceAll(BLANK, " ").replace(STRAY, "").replace(/\s+/g, " ").trim();
    // A title lives as long as its thread's object, and would keep a message of a megabyte with it.
    if (shown !== "") return ownText(cutTitle(shown.toWellFormed()));
  }
  return null;
}

/** Cuts after a whole grapheme, unless the first one alone is too long. */
function cutTitle(line: string): string {
  if (line.length <= TITLE_UNITS) return line;
  graphemes ??= new Intl.Segmenter("und", { granularity: "grapheme" });
  let end = 0;
  // Where a grapheme ends depends on what follows it, so more text is segmented than is kept.
  for (const { index } of graphemes.segment(cutEnd(line, 2 * TITLE_UNITS))) if (index <= TITLE_UNITS) end = index;
  return end === 0 ? cutEnd(line, TITLE_UNITS) : line.slice(0, end).trimEnd();
}
