// How many columns a text takes in a terminal: redrawing in place works only if every line fits on one row.
import { stripVTControlCharacters } from "node:util";

/** Characters that take two columns according to UAX #11, in the blocks that matter here. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const zero = /[\p{Mn}\p{Me}\p{Cf}]/u;
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += zero.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** At most `columns` wide; a shortened text ends in an ellipsis. */
export function shorten(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  let width = 1;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Removes control sequences: moving the cursor or renaming the window is for the program itself. */
export function plain(text: string): string {
  const lines = stripVTControlCharacters(text).replaceAll("\t", "  ");
  return lines.replace(/\p{Cc}/gu, (character) => (character === "\n" ? character : ""));
}
