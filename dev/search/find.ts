// Finds pages by words: Latin ones as they are, Chinese as pairs of characters, which needs no dictionary. A word counts
// more in a title, and less the more pages have it.
import type { CorpusPage } from "./corpus.ts";

export interface Query {
  /** Lower case, each once. */
  terms: string[];
  /** Of `site:`; a page is from one of them. */
  sites: string[];
}

export interface Hit {
  page: CorpusPage;
  score: number;
  /** The part of its text with most of the words. */
  passage: string;
}

const TITLE_WEIGHT = 4;
const PASSAGE_CHARACTERS = 240;

/** Words that nearly every query and page has. */
const common = new Set("a an and are at by for from how in is it of on or site the to was what which with".split(" "));

export function readQuery(text: string): Query {
  const sites = [...text.matchAll(/(?:^|[\s(])site:([^\s()]+)/gi)].map(([, site = ""]) => site.toLowerCase());
  const bare = text.replace(/(^|[\s(])site:[^\s()]+/gi, " ").replace(/\bOR\b|[()"]/g, " ");
  return { terms: [...new Set(termsOf(bare))].filter((term) => !common.has(term)), sites };
}

function termsOf(text: string): string[] {
  const lower = text.toLowerCase();
  const words = lower.match(/[\p{Script=Latin}\d][\p{Script=Latin}\d.-]*/gu) ?? [];
  const runs = lower.match(/\p{Script=Han}+/gu) ?? [];
  return [...words.map(stem), ...runs.flatMap(pairsOf)];
}

/** `databases` also finds `database`. */
function stem(word: string): string {
  const bare = word.replace(/[.-]+$/, "");
  return /[^s]s$/.test(bare) && bare.length > 3 ? bare.slice(0, -1) : bare;
}

function pairsOf(run: string): string[] {
  const signs = [...run];
  return signs.length === 1 ? signs : signs.slice(1).map((sign, index) => `${signs[index] ?? ""}${sign}`);
}

/** Best first. A page needs a third of the words, so that a long question finds something and a wrong one nothing. */
export function findPages(pages: CorpusPage[], terms: string[]): Hit[] {
  const counted = pages.map((page) => ({ page, title: termsOf(page.title), text: termsOf(page.text) }));
  const weights = new Map(
    terms.map((term) => {
      const having = counted.filter(({ title, text }) => title.includes(term) || text.includes(term)).length;
      return [term, Math.log(1 + pages.length / Math.max(1, having))] as const;
    }),
  );
  return counted
    .map(({ page, title, text }) => {
      const found = terms.filter((term) => title.includes(term) || text.includes(term));
      const score = found.reduce((sum, term) => {
        const times = text.filter((word) => word === term).length + (title.includes(term) ? TITLE_WEIGHT : 0);
        return sum + (weights.get(term) ?? 0) * Math.log(1 + times);
      }, 0);
      return { page, score, enough: found.length > 0 && found.length * 3 >= terms.length };
    })
    .filter(({ enough }) => enough)
    .sort((one, other) => other.score - one.score || (one.page.name < other.page.name ? -1 : 1))
    .map(({ page, score }) => ({ page, score, passage: passageOf(page, terms) }));
}

function passageOf({ text, description }: CorpusPage, terms: string[]): string {
  const sentences = text.split(/(?<=[.!?]) |(?<=[。！？])/);
  const starts = sentences.map((_, index) => sentences.slice(index).join(" ").slice(0, PASSAGE_CHARACTERS));
  const scored = starts.map((start) => {
    const words = termsOf(start);
    return terms.filter((term) => words.includes(term)).length;
  });
  const best = Math.max(0, ...scored);
  return best === 0 ? description : (starts[scored.indexOf(best)] ?? description);
}
