// Finds the citations in a model's text: `[3]` names the source with that number. Models also write `[1][2]`, `[1, 2]`,
// `[1-3]`, `【3】` and `［3］`. What only looks like one is left alone: code, links and their definitions, footnotes, an
// index behind a name. One pass; nothing here throws, whatever the text is.

export interface Citation {
  /** The place of the brackets in the text. */
  start: number;
  end: number;
  /** Without repeats, in the order in which they are written. */
  numbers: number[];
}

/** A range in brackets names at most this many sources. A longer one is rather a range of years or of values. */
const MAX_RANGE = 20;

/** Nobody checks more of one text, and the page makes elements of each. The rest stays text. */
const MAX_CITATIONS = 2000;

const number = String.raw`[1-9]\d{0,3}`;
const item = String.raw`${number}(?:[ \t]?[-–—~][ \t]?${number})?`;
const list = String.raw`[ \t]?${item}(?:[ \t]?[,，、;；][ \t]?${item}){0,30}[ \t]?`;
/** OpenAI's models write `【3†source】` where they were trained to cite. */
const brackets = new RegExp(
  String.raw`\[(${list})\]|［(${list})］|【(${list})(?:†[^】\n]{0,100})?】|(\x60+)|\\[\s\S]`,
  "g",
);
const fence = /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))(.*)$/;

export function findCitations(text: string): Citation[] {
  const found: Citation[] = [];
  for (const { start, end } of readBlocks(text)) {
    if (found.length >= MAX_CITATIONS) break;
    readBlock(text, start, end, found);
  }
  return found;
}

/** The numbers that a text cites, each once, in ascending order. */
export function citedNumbers(text: string): number[] {
  const numbers = new Set(findCitations(text).flatMap((citation) => citation.numbers));
  return [...numbers].sort((a, b) => a - b);
}

interface Span {
  start: number;
  end: number;
}

/** The text without fenced code, cut at empty lines: a code span ends with its paragraph. */
function readBlocks(text: string): Span[] {
  const blocks: Span[] = [];
  let open: string | null = null;
  let from: number | null = null;
  let at = 0;
  const close = (end: number): void => {
    if (from !== null) blocks.push({ start: from, end });
    from = null;
  };
  for (const line of text.split("\n")) {
    const [, mark, info = ""] = fence.exec(line) ?? [];
    const isFence = mark !== undefined && (open !== null || mark.startsWith("~") || !info.includes("`"));
    if (isFence || open !== null || line.trim() === "") close(at);
    else from ??= at;
    if (isFence && open === null) open = mark;
    else if (isFence && open !== null && mark.startsWith(open) && info.trim() === "") open = null;
    at += line.length + 1;
  }
  close(text.length);
  return blocks;
}

function readBlock(text: string, start: number, end: number, found: Citation[]): void {
  const block = text.slice(start, end);
  const closings = findClosings(block);
  const openings = findOpenings(block);
  brackets.lastIndex = 0;
  for (let match = brackets.exec(block); match !== null && found.length < MAX_CITATIONS; match = brackets.exec(block)) {
    const ticks = match[4];
    if (ticks !== undefined) brackets.lastIndex = closings.get(match.index) ?? brackets.lastIndex;
    const inside = match[1] ?? match[2] ?? match[3];
    if (inside === undefined) continue;
    const span = { start: match.index, end: brackets.lastIndex };
    const numbers = readNumbers(inside);
    const isSquare = match[1] !== undefined;
    const chained = found.at(-1)?.end === start + span.start;
    if (numbers.length === 0 || (isSquare && !isFree(block, span, { chained, openings }))) continue;
    found.push({ start: start + span.start, end: start + span.end, numbers });
  }
}

/** For each run of backticks that opens a code span: where the span ends. */
function findClosings(block: string): Map<number, number> {
  const closings = new Map<number, number>();
  const last = new Map<number, { start: number; end: number }>();
  const runs = [...block.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({ index, length }));
  for (const { index, length } of runs.reverse()) {
    const closing = last.get(length);
    if (closing !== undefined) closings.set(index, closing.end);
    last.set(length, { start: index, end: index + length });
  }
  return closings;
}

/** For each `)`: the last `(` before it. To search for it each time would take the square of the text's length. */
function findOpenings(block: string): Map<number, number> {
  const openings = new Map<number, number>();
  let last: number | null = null;
  for (const { index, 0: sign } of block.matchAll(/[()]/g)) {
    if (sign === "(") last = index;
    else if (last !== null) openings.set(index, last);
  }
  return openings;
}

interface Around {
  /** Another citation ends just before. */
  chained: boolean;
  openings: Map<number, number>;
}

/** Whether square brackets are a citation by what stands around them. */
function isFree(block: string, { start, end }: Span, { chained, openings }: Around): boolean {
  const before = block.slice(Math.max(0, start - 1), start);
  // An index behind a name, a call or another index; an image; the label of a link.
  if (!chained && /[\w\])!]/.test(before) && !isClosing(block, openings.get(start - 1))) return false;
  const after = block.slice(end, end + 2);
  if (after.startsWith("(")) return false;
  // `[1][label]` is a link by reference, `[1][2]` two citations.
  if (/^\[[^\d\s]/.test(after)) return false;
  const isLineStart = /(?:^|\n) {0,3}$/.test(block.slice(Math.max(0, start - 4), start));
  return !(isLineStart && after.startsWith(":"));
}

/** A bracket that closes an aside in prose, `(up 3%)[1]`, and not a call, `f(x)[1]`. */
function isClosing(block: string, opening: number | undefined): boolean {
  return opening !== undefined && (opening === 0 || /[^\w\])]/.test(block[opening - 1] ?? ""));
}

function readNumbers(inside: string): number[] {
  const numbers = inside.split(/[,，、;；]/).flatMap((part) => {
    const [first = 0, last = first] = part.split(/[-–—~]/).map((digits) => Number(digits.trim()));
    const count = last - first + 1;
    return count < 1 || count > MAX_RANGE ? [] : Array.from({ length: count }, (_, index) => first + index);
  });
  return [...new Set(numbers)];
}
