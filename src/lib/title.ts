// What a text is called in a list: its first line that says something.
import { cutEnd } from "./truncate.ts";

/** Longer says no more in a list. UTF-16 units. */
export const TITLE_UNITS = 80;

const LINE_ENDS = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/**
 * Nobody sees them, and some turn what stands around them. A tab is a space, and the joiners and selectors that words and emoji
 * are written with are looked at apart.
 */
const HIDDEN = /(?![\t\p{Join_Control}\p{Variation_Selector}])[\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;
/** Where nothing is before it that it could belong to. */
const STRAY = /(?<![\p{L}\p{M}\p{N}\p{S}#*])[\p{Join_Control}\p{Variation_Selector}]+/gu;
/** The blank of Braille is a sign, and drawn as nothing. */
const BLANK = "\u2800";

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Null where no line says anything. */
export function toTitle(text: string): string | null {
  for (const line of text.split(LINE_ENDS)) {
    const shown = line.replace(HIDDEN, "").replaceAll(BLANK, " ").replace(STRAY, "").replace(/\s+/g, " ").trim();
    if (shown !== "") return cutTitle(shown.toWellFormed());
  }
  return null;
}

/** In whole characters as people count them, unless the first one alone is longer. */
function cutTitle(line: string): string {
  if (line.length <= TITLE_UNITS) return line;
  let end = 0;
  // Where a character ends depends on what follows it: a little more than is kept is looked at.
  for (const { index } of graphemes.segment(cutEnd(line, 2 * TITLE_UNITS))) if (index <= TITLE_UNITS) end = index;
  return end === 0 ? cutEnd(line, TITLE_UNITS) : line.slice(0, end).trimEnd();
}
