// What a topic is searched by, and which results speak of it: a search finds more than what fits.
import { readQuery } from "../../search/find.ts";

export interface Topic {
  name: string;
  /** The first searches: the topic, its figures, and the topic in the other language where the script knows its words. */
  queries: string[];
  /** For a second try, where nothing fits. */
  other_queries: string[];
  /** Words by which a page is known to fit, in each language. */
  words: string[][];
}

/** All that the script knows of another language. Longer words come before their parts. */
const glossary: [zh: string, en: string][] = [
  ["边缘数据库", "edge databases"],
  ["边缘", "edge"],
  ["数据库", "databases"],
  ["延迟", "latency"],
  ["远程办公", "remote work"],
  ["居家办公", "remote work"],
  ["远程工作", "remote work"],
  ["会议", "meetings"],
  ["办公室", "office"],
  ["成本", "costs"],
  ["新能源汽车", "electric vehicles"],
  ["新能源汽车", "electric cars"],
  ["茶叶", "tea"],
];

/** Words that say what a report is, not what it is about. */
const genericZh = /市场|行业|产业|现状|趋势|情况|发展|数据(?!库)|报告|调研|分析|前景|最新|概况|利弊|对比|比较/g;
const genericEn = new Set(
  (
    "market industry trend overview report research figure source data statistic study comparison analysi " +
    "latest current state free best good"
  ).split(" "),
);

export function readTopicWords(name: string): Topic {
  const isChinese = /\p{Script=Han}/u.test(name);
  const other = isChinese ? toEnglish(name) : toChinese(name);
  return {
    name,
    queries: [name, `${name} ${isChinese ? "数据" : "figures"}`, ...(other === null ? [] : [other])],
    other_queries: rephrase(name, isChinese),
    words: [name, ...(other === null ? [] : [other])].map(wordsOf),
  };
}

/** Half of the topic's words, in either language. */
export function isAbout({ words }: Topic, text: string): boolean {
  const has = new Set(readQuery(text).terms);
  return words.some((list) => list.filter((word) => has.has(word)).length * 2 >= list.length);
}

function wordsOf(text: string): string[] {
  const words = contentWords(text);
  return words.length > 0 ? words : readQuery(text).terms;
}

function contentWords(text: string): string[] {
  const words = readQuery(text.replace(genericZh, " ")).terms;
  return words.filter((word) => !genericEn.has(word) && !/^\d+$/.test(word));
}

/** Null unless the glossary has all of it: half a topic is another topic. */
function toEnglish(name: string): string | null {
  return translate(name, ([zh, en]) => ({ pattern: new RegExp(zh, "g"), word: en }));
}

function toChinese(name: string): string | null {
  return translate(name, ([zh, en]) => ({ pattern: new RegExp(`\\b${en.replace(/s$/, "s?")}\\b`, "gi"), word: zh }));
}

type Entry = (pair: [zh: string, en: string]) => { pattern: RegExp; word: string };

function translate(name: string, entry: Entry): string | null {
  let rest = name;
  const words: string[] = [];
  for (const pair of glossary) {
    const { pattern, word } = entry(pair);
    const left = rest.replace(pattern, " ");
    if (left !== rest) words.push(word);
    rest = left;
  }
  return words.length === 0 || contentWords(rest).length > 0 ? null : words.join(" ");
}

/** The same in fewer words: each half by itself. */
function rephrase(name: string, isChinese: boolean): string[] {
  const parts = (name.replace(genericZh, " ").match(/\p{Script=Han}{1,2}|[\p{Script=Latin}\d-]+/gu) ?? []).filter(
    (part) => contentWords(part).length > 0,
  );
  if (parts.length < 2) return [`${parts[0] ?? name} ${isChinese ? "统计" : "statistics"}`];
  const half = Math.ceil(parts.length / 2);
  return [parts.slice(0, half).join(" "), parts.slice(half).join(" ")];
}
