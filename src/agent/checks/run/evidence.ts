// What of an output the model reads after a failure: the lines that say what failed, wherever in the log they stand, and
// the end. A log of tests has its one failing line among thousands that passed.
import { cutEnd } from "../../../lib/truncate.ts";

const MAX_CHARACTERS = 1_200;
const MAX_LINE = 200;
/** Of lines that say what failed; each with what follows it. The first failure is often the cause of the others. */
const MAX_HITS = 6;
const FOLLOWING = 2;
const LAST = 5;

const says =
  /\b(?:fail(?:s|ed|ure|ures|ing)?|errors?|exception|panic(?:ked)?|traceback|assert\w*|expected|undefined|refused|denied|not ok|cannot|can't|no such|unable|timed out|abort(?:ed)?|fatal)\b|(?:Error|Exception|Failure)\b|[✗✘✕×❌❯]|失败|错误|异常/i;
/** Totals and names that only have the words. */
const harmless = /\b(?:0|no) (?:fail\w*|errors?)\b|\b(?:fail\w*|errors?)\W{0,3}0\b|^\s*(?:✓|✔|√|ok\b|PASS\b|\[OK\])/i;

/** Lines in their order, `…` where some are left out; empty if nothing was printed. `tail` is empty if `head` is all. */
export function pickEvidence(head: string, tail: string): string[] {
  const lines = [...splitLines(head), ...(tail === "" ? [] : ["…", ...splitLines(tail)])];
  const wanted = new Set<number>();
  let hits = 0;
  for (const [at, line] of lines.entries()) {
    if (hits === MAX_HITS) break;
    if (wanted.has(at) || !says.test(line) || harmless.test(line)) continue;
    hits++;
    for (let next = at; next <= at + FOLLOWING && next < lines.length; next++) wanted.add(next);
  }
  for (let at = Math.max(0, lines.length - LAST); at < lines.length; at++) wanted.add(at);
  return joinWanted(lines, wanted);
}

function joinWanted(lines: readonly string[], wanted: ReadonlySet<number>): string[] {
  const shown: string[] = [];
  const last = lines.slice(-LAST).reduce((sum, line) => sum + Math.min(line.length, MAX_LINE) + 1, 0);
  let room = MAX_CHARACTERS - last;
  let before = -1;
  for (const [at, line] of lines.entries()) {
    if (!wanted.has(at)) continue;
    const isLast = at >= lines.length - LAST;
    const text = line.length > MAX_LINE ? `${cutEnd(line, MAX_LINE)}…` : line;
    if (!isLast) room -= text.length + 3;
    if (!isLast && room < 0) continue;
    if (at > before + 1 && shown.at(-1) !== "…") shown.push("…");
    before = at;
    if (text !== "…" || shown.at(-1) !== "…") shown.push(text);
  }
  return shown;
}

function splitLines(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors and other control characters of a terminal
  const plain = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
  return plain
    .toWellFormed()
    .split("\n")
    .filter((line) => line.trim() !== "");
}
