// Where sources do not fit together: two that give different figures for what they describe in the same words, and one
// that refers to another for a figure which is not there.
import { readQuery } from "../../search/find.ts";
import type { ReadPage } from "./pages.ts";
import { figuresIn, type Statement } from "./statements.ts";

/** Two sentences describe the same if they share this part of the shorter one's words, and at least as many words. */
const SAME_SHARE = 0.6;
const SAME_WORDS = 3;

export function findDifferences(facts: Statement[]): [Statement, Statement][] {
  const read = facts.map((fact) => ({ fact, words: wordsOf(fact.text), figures: byUnit(fact.figures) }));
  return read.flatMap((one, index) =>
    read
      .slice(index + 1)
      .filter((other) => other.fact.n !== one.fact.n && isSame(one.words, other.words))
      .filter((other) => contradict(one.figures, other.figures))
      .map((other): [Statement, Statement] => [one.fact, other.fact]),
  );
}

export interface Misquote {
  fact: Statement;
  /** The page that it refers to. */
  source: ReadPage;
  /** What is not there. */
  figures: string[];
}

export function findMisquotes(facts: Statement[], pages: ReadPage[]): Misquote[] {
  const sources = pages.map((source) => ({ source, has: new Set(figuresIn(source.text).map(bare)) }));
  return facts.flatMap((fact) =>
    sources
      .filter(({ source: { n, url } }) => n !== fact.n && fact.links.some((link) => link.split("#")[0] === url))
      .map(({ source, has }) => ({ fact, source, figures: fact.figures.filter((figure) => !has.has(bare(figure))) }))
      .filter(({ figures }) => figures.length > 0),
  );
}

/** The same, however it is spaced. */
function bare(figure: string): string {
  return figure.replace(/[\s,]/g, "");
}

/** What a source says against itself: its method, its limits, what it can't be compared with. */
const caveat =
  /\bmargin of error\b|\bcan(?:no|')t be (?:directly )?compared\b|\bnot comparable\b|\bchose by themselves\b|\bself-selected\b|\bleaves? out\b|口径|误差|不能(?:直接)?(?:比较|混用)/i;

export function findCaveats(statements: Statement[]): Statement[] {
  return statements.filter(({ text }) => caveat.test(text));
}

function wordsOf(text: string): Set<string> {
  return new Set(readQuery(text).terms.filter((word) => !/^[\d.-]+$/.test(word)));
}

function isSame(one: Set<string>, other: Set<string>): boolean {
  const shared = [...one].filter((word) => other.has(word)).length;
  return shared >= SAME_WORDS && shared >= SAME_SHARE * Math.min(one.size, other.size);
}

/** Numbers by their unit, in order. */
function byUnit(figures: string[]): Map<string, string[]> {
  const units = new Map<string, string[]>();
  for (const figure of figures) {
    const [, number = "", unit = ""] = /([\d.,]+)\s?(.*)$/.exec(figure) ?? [];
    units.set(unit, [...(units.get(unit) ?? []), number.replaceAll(",", "")]);
  }
  return units;
}

/** The first number of a sentence is what it is about; those that follow compare it. */
function contradict(one: Map<string, string[]>, other: Map<string, string[]>): boolean {
  return [...one].some(([unit, numbers]) => {
    const others = other.get(unit) ?? [];
    const [first, second] = [numbers[0], others[0]];
    if (first === undefined || second === undefined) return false;
    return !others.includes(first) && !numbers.includes(second);
  });
}
