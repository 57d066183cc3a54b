// Finds lines that are the same but for white space, as models often write them: with another indentation, tabs for
// spaces, spaces at the end, CR LF. Typographic quotes and dashes count as plain ones, since models write those.
//
// What counts exactly: as many lines as were given, in order, each the same after every run of white space is one space
// and none is at its ends. Nothing is found across line breaks, and nothing within a line.
import { eachLine } from "./lines.ts";

const plainMarks: [RegExp, string][] = [
  [/[\u2018\u2019\u201a\u201b]/g, "'"],
  [/[\u201c\u201d\u201e\u201f]/g, '"'],
  [/[\u2010-\u2015\u2212]/g, "-"],
];

export function normalizeLine(line: string): string {
  return withPlainMarks(withPlainSpace(line));
}

function withPlainSpace(line: string): string {
  return line.replace(/\s+/g, " ").trim();
}

function withPlainMarks(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII
  if (!/[^\x00-\x7f]/.test(line)) return line;
  return plainMarks.reduce((plain, [marks, mark]) => plain.replace(marks, mark), line);
}

/** What the lines that were found differ in from those that were wanted, in words. */
export function nameDifference(found: readonly string[], wanted: readonly string[]): string {
  const differs = (simplify: (line: string) => string) =>
    found.some((line, at) => simplify(line) !== simplify(wanted[at] ?? ""));
  const marks = differs(withPlainSpace) ? ["typographic quotes or dashes"] : [];
  return [...(differs(withPlainMarks) ? ["white space"] : []), ...marks].join(" and ");
}

export interface LoosePlace {
  /** Counted from 0. */
  line: number;
  /** Offsets of the first line's start, and of the last line's end without its line feed. */
  start: number;
  end: number;
}

/** How many places are kept: more than one is refused, and the refusal names them. */
const MAX_PLACES = 10;

/** Knuth-Morris-Pratt over lines, so that no file takes longer than its length. */
export function findLoosely(text: string, wanted: readonly string[]): { count: number; places: LoosePlace[] } {
  const lines = wanted.map(normalizeLine);
  const found: { count: number; places: LoosePlace[] } = { count: 0, places: [] };
  if (lines.every((line) => line === "")) return found;
  const back = failureTable(lines);
  // The starts of the last lines, one for each wanted line.
  const starts = new Float64Array(lines.length);
  let matched = 0;
  eachLine(text, (start, end, index) => {
    starts[index % lines.length] = start;
    const line = normalizeLine(text.slice(start, end));
    while (matched > 0 && line !== lines[matched]) matched = back[matched - 1] ?? 0;
    if (line === lines[matched]) matched++;
    if (matched < lines.length) return true;
    matched = back[matched - 1] ?? 0;
    found.count++;
    const first = index - lines.length + 1;
    const place = { line: first, start: starts[first % lines.length] ?? 0, end };
    if (found.places.length < MAX_PLACES) found.places.push(place);
    return true;
  });
  return found;
}

function failureTable(lines: readonly string[]): number[] {
  const back = [0];
  for (let at = 1, length = 0; at < lines.length; at++) {
    while (length > 0 && lines[at] !== lines[length]) length = back[length - 1] ?? 0;
    if (lines[at] === lines[length]) length++;
    back.push(length);
  }
  return back;
}
