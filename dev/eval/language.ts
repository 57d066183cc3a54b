// Chinese or not, told by the script. What is the same in every language (code, paths, addresses, names of files) says nothing.
// English is not told from French; the requests are of two languages, and so are the slips that models make.
import type { Language } from "./requests.ts";

const neutral =
  /```[\s\S]*?(?:```|$)|`[^`\n]*`|https?:\/\/\S+|[\w.-]*[/\\_][\w./\\-]*|\b[\w-]+\.[a-z]{1,5}\b|\b\w*\d\w*\b/gi;

/** Enough to tell; and what the patterns above cost grows faster than what they read. */
const READ = 4000;

interface Counts {
  han: number;
  kana: number;
  /** Words of two or more Latin letters; a single letter is a name or a variable. */
  words: number;
}

function count(text: string): Counts {
  const prose = text.slice(0, READ).replace(neutral, " ");
  const all = (pattern: RegExp) => prose.match(pattern)?.length ?? 0;
  return {
    han: all(/\p{Script=Han}/gu),
    kana: all(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu),
    words: all(/\p{Script=Latin}{2,}/gu),
  };
}

/**
 * Null where no word is in the text ("391"). Japanese is `other`. A Chinese word has about two characters, so a text counts as
 * Chinese up to two foreign words for each of its own: those on software are full of names.
 */
export function readLanguage(text: string): Language | "other" | null {
  const { han, kana, words } = count(text);
  if (kana > 0 && kana * 4 >= han) return "other";
  if (han === 0 && words === 0) return null;
  return han >= words ? "zh" : "en";
}

/** Of one short line, e.g. a task, which may be half names of products: right unless it is plainly in the other language. */
export function fits(line: string, language: Language): boolean {
  const read = readLanguage(line);
  if (read === null || read === language) return true;
  return language === "zh" && read === "en" && count(line).han > 0;
}
