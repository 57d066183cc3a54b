// Distinguishes Chinese from other languages by script. What is the same in every language (code, paths, addresses,
// names of files) doesn't count. English and French are not distinguished: the requests are in two languages, and
// models mix up only those.
import type { Language } from "./requests.ts";

const neutral =
  /```[\s\S]*?(?:```|$)|`[^`\n]*`|https?:\/\/\S+|[\w.-]*[/\\_][\w./\\-]*|\b[\w-]+\.[a-z]{1,5}\b|\b\w*\d\w*\b/gi;

/** Enough text to decide; the cost of the patterns above grows faster than their input. */
const MAX_CHARACTERS = 4000;

interface Counts {
  han: number;
  kana: number;
  /** Words of two or more Latin letters; a single letter is a name or a variable. */
  words: number;
}

function count(text: string): Counts {
  const prose = text.slice(0, MAX_CHARACTERS).replace(neutral, " ");
  const all = (pattern: RegExp) => prose.match(pattern)?.length ?? 0;
  return {
    han: all(/\p{Script=Han}/gu),
    kana: all(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu),
    words: all(/\p{Script=Latin}{2,}/gu),
  };
}

/**
 * Null where the text has no word ("391"). Japanese is `other`. A Chinese word has about two characters, so a text
 * counts as Chinese up to two foreign words for each of its own: texts on software are full of names.
 */
export function readLanguage(text: string): Language | "other" | null {
  const { han, kana, words } = count(text);
  if (kana > 0 && kana * 4 >= han) return "other";
  if (han === 0 && words === 0) return null;
  return han >= words ? "zh" : "en";
}

/**
 * Whether one short line, e.g. a task, fits the language. A line may be half product names, so only one that is plainly
 * in the other language fails.
 */
export function fits(line: string, language: Language): boolean {
  const read = readLanguage(line);
  if (read === null || read === language) return true;
  return language === "zh" && read === "en" && count(line).han > 0;
}
