// The place in a file that resembles some lines most, for a model that remembers them wrongly. A few of the lines, the
// longest, are compared with each line of the file, by the pairs of characters that both have. So the effort is the
// file's length times a small constant.

import { eachLine } from "./lines.ts";
import { normalizeLine } from "./loose-match.ts";

/** Longer lines are minified code, and are compared by their beginning. */
const COMPARED_CHARACTERS = 300;
const MAX_ANCHORS = 4;
/** Lines that resemble each other less are different lines. */
const MIN_LIKENESS = 0.5;
/** A place must have this share of what a perfect one would have. */
const MIN_SHARE = 0.35;
/** Places further apart than this in the wanted text are judged by their first lines. */
const MAX_WANTED_LINES = 200;
const BUCKETS = 1 << 14;

interface Anchor {
  /** Its place among the wanted lines. */
  at: number;
  text: string;
  /** How often it has each pair of characters. */
  pairs: Uint16Array;
}

/** The first line of the nearest place, counted from 0; null if nothing resembles the lines. */
export function findNearest(text: string, wanted: readonly string[]): number | null {
  const anchors = chooseAnchors(wanted.slice(0, MAX_WANTED_LINES));
  const best = anchors.reduce((sum, anchor) => sum + anchor.text.length, 0);
  if (best === 0) return null;
  // Scores of the places whose lines are being compared, by first line.
  const scores = new Float64Array(MAX_WANTED_LINES);
  let nearest = { line: -1, score: 0 };
  eachLine(text, (start, end, index) => {
    scores[index % MAX_WANTED_LINES] = 0;
    const line = normalizeLine(text.slice(start, Math.min(end, start + 2 * COMPARED_CHARACTERS)));
    for (const anchor of anchors) {
      const first = index - anchor.at;
      if (first < 0) continue;
      const score = (scores[first % MAX_WANTED_LINES] ?? 0) + likeness(line, anchor) * anchor.text.length;
      scores[first % MAX_WANTED_LINES] = score;
      if (score > nearest.score) nearest = { line: first, score };
    }
    return true;
  });
  return nearest.score >= best * MIN_SHARE ? nearest.line : null;
}

function chooseAnchors(wanted: readonly string[]): Anchor[] {
  return wanted
    .map((line, at) => ({
      at,
      text: normalizeLine(line.slice(0, 2 * COMPARED_CHARACTERS)).slice(0, COMPARED_CHARACTERS),
    }))
    .filter(({ text }) => text !== "")
    .sort((one, other) => other.text.length - one.text.length || one.at - other.at)
    .slice(0, MAX_ANCHORS)
    .map(({ at, text }) => ({ at, text, pairs: countPairs(text) }));
}

function countPairs(text: string): Uint16Array {
  const pairs = new Uint16Array(BUCKETS);
  for (let at = 1; at < text.length; at++) {
    const bucket = bucketOf(text, at);
    pairs[bucket] = (pairs[bucket] ?? 0) + 1;
  }
  return pairs;
}

function bucketOf(text: string, at: number): number {
  return (text.charCodeAt(at - 1) * 131 + text.charCodeAt(at)) & (BUCKETS - 1);
}

/** Dice's coefficient of the pairs of characters; 0 if the lines are too different to be the same line. */
function likeness(line: string, { text, pairs }: Anchor): number {
  const shown = line.length > COMPARED_CHARACTERS ? line.slice(0, COMPARED_CHARACTERS) : line;
  if (shown === text) return 1;
  // With these lengths not even equal beginnings would resemble each other enough.
  const [short, long] = shown.length < text.length ? [shown.length, text.length] : [text.length, shown.length];
  if (short < 2 || (2 * short) / (short + long) < MIN_LIKENESS) return 0;
  let common = 0;
  for (let at = 1; at < shown.length; at++) {
    const bucket = bucketOf(shown, at);
    const left = pairs[bucket] ?? 0;
    if (left === 0) continue;
    common++;
    pairs[bucket] = left - 1;
  }
  // Only pairs that were taken can have fewer than before, so the anchor counts are made whole from its own text.
  if (common > 0) restore(pairs, text);
  const value = (2 * common) / (shown.length + text.length - 2);
  return value >= MIN_LIKENESS ? value : 0;
}

function restore(pairs: Uint16Array, text: string): void {
  for (let at = 1; at < text.length; at++) pairs[bucketOf(text, at)] = 0;
  for (let at = 1; at < text.length; at++) {
    const bucket = bucketOf(text, at);
    pairs[bucket] = (pairs[bucket] ?? 0) + 1;
  }
}
