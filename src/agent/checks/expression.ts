// Regular expressions of checks. A model or a person writes the expression, a program the text, so RE2 matches it: in
// time in proportion to the expression times the text. That is a bound only if both are bounded, and others have to get
// their turn meanwhile. Cloudflare's clock stands still while code runs, so work is counted and not timed: one unit is
// one instruction for one character, and takes 25 ns at most.
import { RE2JS, RE2JSSyntaxException } from "re2js";

/** Of instructions, as `weigh` counts them: 15 ms to compile. */
const MAX_WEIGHT = 10_000;
/** 25 ms: then others have their turn. */
const TURN_WORK = 1_000_000;
/** From one turn to the next, for each unit: however many threads match, one does at a time, and others come between. */
const TURN_MS = 25 / TURN_WORK;
/** 200 ms, for one line: it can't be interrupted. A megabyte in one line is for expressions of six signs. */
const MAX_LINE_WORK = 8_000_000;
/** 2.5 s, for a whole text: five times as much as a usual expression, of 20 instructions, needs for 1 MiB. */
const MAX_WORK = 100_000_000;
/** What a line costs before its first character. */
const LINE_WORK = 20;

export type Expression =
  | { ok: true; matches: (lines: Iterable<string>) => Promise<boolean | "too_long"> }
  | { ok: false; why: string };

/** `why` is the end of a sentence that begins with the expression. */
export function readExpression(text: string): Expression {
  if (weigh(text) > MAX_WEIGHT) return { ok: false, why: "is too long when its repetitions are written out" };
  const pattern = translate(text);
  if (typeof pattern !== "string") return { ok: false, why: pattern.why };
  try {
    // Without `(?m)` an expression that begins with `^` goes through an analysis in cubic time. A line has no line break.
    const compiled = RE2JS.compile(pattern, RE2JS.MULTILINE);
    return { ok: true, matches: (lines) => matchLines(compiled, lines) };
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return { ok: false, why: describe(error) };
  }
}

/** How many instructions there are to compile before its fault is known, or that it has none. */
export function compileWork(text: string): number {
  const weight = weigh(text);
  return weight > MAX_WEIGHT ? 0 : weight;
}

/**
 * How much there is to compile, at most: a group may hold all that is before its repetition. Where case is ignored, the
 * library walks over a range sign by sign, which takes 5 ms for one that spans many scripts.
 */
function weigh(text: string): number {
  let [size, times] = [text.length, 1];
  for (const [, group, least, most = ""] of text.matchAll(/(\)?)\{(\d+)(?:,(\d*))?\}/g)) {
    // More is refused by the library. An optional copy is nested in the one before it.
    const count = Math.min(1_000, Math.max(1, Number(least), Number(most))) * (most === "" ? 1 : 4);
    if (group === "") size += count;
    else times *= count;
  }
  const ranges = /\(\?[a-zA-Z]*i/.test(text) ? (text.match(/-(?=[\\\u0080-\uffff])/g)?.length ?? 0) : 0;
  return size * times + ranges * 2_500;
}

/** In the library's form. Only escapes that are known pass, so none changes what `weigh` or `(?m)` rely on. */
function translate(text: string): string | { why: string } {
  let why: string | null = /\(\?[a-zA-Z]*-/.test(text) ? "turns a flag off, which is not supported" : null;
  const pattern = text.replace(
    /\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|([\s\S]?))/g,
    (all, long, short, sign) => {
      const code = long ?? short ?? (sign === "e" ? "1b" : undefined);
      if (code !== undefined) return `\\x{${code}}`;
      if (/[1-9k]/.test(sign)) why ??= "refers back to a group, which is not supported; write the text out";
      else if (/[A-Zac-z]/.test(sign) && !/[dDsSwWBnrtfvax]/.test(sign)) why ??= `has ${all}, which is not supported`;
      return all;
    },
  );
  return why === null ? pattern : { why };
}

const ESCAPE = "write a \\ before each of . ( ) [ ] { } * + ? ^ $ | that stands for itself";

const GROUP = "looks ahead or behind, or has a flag or a kind of group that is not supported";

/** By what the library says. */
const faults: [said: string, why: string][] = [
  ["missing closing )", `has a ( without its ); ${ESCAPE}`],
  ["unexpected )", `has a ) without its (; ${ESCAPE}`],
  ["missing closing ]", `has a [ without its ]; ${ESCAPE}`],
  ["missing argument to repetition operator", `repeats nothing; ${ESCAPE}`],
  ["invalid nested repetition operator", `repeats a repetition, or has a possessive one; ${ESCAPE}`],
  ["trailing backslash", `ends with a backslash; ${ESCAPE}`],
  ["invalid repeat count", "repeats more than 1000 times in all, or has a repetition whose numbers are out of order"],
  ["invalid character class range", "has a range of characters that is out of order or not known"],
  ["unsupported Perl syntax", `${GROUP}; use contains and excludes`],
  ["invalid named capture", `${GROUP}; use contains and excludes`],
];

function describe({ error }: RE2JSSyntaxException): string {
  return faults.find(([said]) => error.includes(said))?.[1] ?? `can't be read: ${error}`;
}

async function matchLines(compiled: RE2JS, lines: Iterable<string>): Promise<boolean | "too_long"> {
  // A matcher, since `test` has an automaton whose states have no such bound.
  const matcher = compiled.matcher("");
  const size = compiled.programSize();
  let [work, turn, isWhole] = [0, TURN_WORK, true];
  for (const line of lines) {
    const cost = LINE_WORK + size * (line.length + 1);
    work += cost;
    if (work > MAX_WORK) return "too_long";
    if (cost > MAX_LINE_WORK) {
      isWhole = false;
      continue;
    }
    if (turn + cost > TURN_WORK) {
      turn = 0;
      // No promise is shared, since one of a thread that has ended would never settle.
      for (let ms = Math.max(work > cost ? 1 : 0, msUntilFree()); ms > 0; ms = msUntilFree())
        await new Promise((resolve) => setTimeout(resolve, ms));
    }
    turn += cost;
    freeAt = Math.max(freeAt, Date.now()) + cost * TURN_MS;
    if (matcher.resetMatcherInput(line).find()) return true;
  }
  return isWhole ? false : "too_long";
}

/** When the next turn may begin: all threads of an isolate share its processor. */
let freeAt = 0;
/** A clock that was set back keeps nobody waiting. */
const MAX_AHEAD_MS = 10_000;

function msUntilFree(): number {
  const ms = freeAt - Date.now();
  return ms < MAX_AHEAD_MS ? ms : 0;
}
