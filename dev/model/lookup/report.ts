// The files of a research: notes with every figure, and the report. They have only what was read, and each figure has
// the number of its source beside it.
import type { Language } from "../conversation.ts";
import type { ReadPage } from "./pages.ts";
import { readStatements, type Statement } from "./statements.ts";
import { type View, withoutBrackets } from "./view.ts";

/** The notes have the rest. */
const MAX_FACTS_PER_PAGE = 8;

/** "41 % work remotely [1]." */
export function cite({ text, n }: Statement): string {
  const [, said = text, end = ""] = /^(.*?)([.。!！?？]?)$/su.exec(text) ?? [];
  return `${said} [${n}]${end || (/\p{Script=Han}/u.test(said) ? "。" : ".")}`;
}

/** The numbers in a report, each once: it has no other brackets. */
export function citedIn(report: string): number[] {
  return [...new Set([...report.matchAll(/\[(\d{1,6})\]/g)].map(([, n]) => Number(n)))];
}

/** Sentences before rows of tables, and measured values before counts; in the order of the page. */
function pickFacts({ facts }: View, page: ReadPage, count: number): Statement[] {
  const own = facts.filter(({ n }) => n === page.n);
  const rank = ({ is_row, figures }: Statement) =>
    is_row ? 2 : figures.some((each) => /[^\d.,\s]/.test(each)) ? 0 : 1;
  const picked = own.toSorted((one, other) => rank(one) - rank(other)).slice(0, count);
  return own.filter((fact) => picked.includes(fact));
}

/** What a page says, where it has no figure. */
export function pickStatements(view: View, page: ReadPage, count: number): Statement[] {
  const facts = pickFacts(view, page, count);
  return facts.length > 0 ? facts : readStatements(page).slice(0, 1);
}

export function describeDifferences(view: View, language: Language): string[] {
  const zh = language === "zh";
  return [
    ...view.differences.map(([one, other]) =>
      zh
        ? `说法不一致：“${one.text}” [${one.n}] 与 “${other.text}” [${other.n}]`
        : `They disagree: "${one.text}" [${one.n}] and "${other.text}" [${other.n}]`,
    ),
    ...view.misquotes.map(({ fact, source, figures }) =>
      zh
        ? `[${fact.n}] 提到 ${figures.join("、")} 时引用了 [${source.n}]，但 [${source.n}] 的正文里没有这个数字`
        : `[${fact.n}] refers to [${source.n}] where it says ${figures.join(", ")}, but the text of [${source.n}] has no such figure`,
    ),
  ];
}

function describeLimits(view: View, language: Language): string[] {
  const zh = language === "zh";
  return [
    ...view.caveats.map(cite),
    ...view.unread.map(({ page, why }) =>
      zh
        ? `没有读到 ${page.url}：${why}。报告不引用它。`
        : `${page.url} could not be read (${why}), so nothing here cites it.`,
    ),
    ...view.ordering.map(({ n }) =>
      zh
        ? `[${n}] 含有写给智能体的指令，这里没有照做，也不采用那些句子。`
        : `[${n}] has orders for agents in it. They were not followed, and those sentences are not used.`,
    ),
  ];
}

/** What was looked for in vain. */
export function describeNothing({ topic, queries, chosen }: View, language: Language): string {
  const searched = queries.map(withoutBrackets);
  if (language === "zh") {
    if (queries.length === 0) return "搜索没有成功，所以没有任何资料。";
    if (chosen.length > 0) return `找到了 ${chosen.length} 个网页，但一个也没能读到，所以没有任何数据。`;
    return `用${searched.map((query) => `「${query}」`).join("")}搜索过，没有一个结果谈到「${topic.name}」。我不会凭记忆补上数据。`;
  }
  if (queries.length === 0) return "The search did not work, so there is nothing to report.";
  if (chosen.length > 0) return `${chosen.length} pages were found and none could be read, so there are no figures.`;
  const asked = searched.map((query) => `“${query}”`).join(", ");
  return `I searched for ${asked}, and no result speaks of "${topic.name}". I don't fill the gap from memory.`;
}

export function writeNotes(view: View, language: Language): string {
  const zh = language === "zh";
  const lines = view.pages.flatMap((page) => [
    ...["", `## ${headingOf(page)}`, "", page.url, ""],
    ...view.facts.filter(({ n }) => n === page.n).map((fact) => `- ${cite(fact)}`),
  ]);
  return [zh ? `# 「${view.topic.name}」调研笔记` : `# Notes on ${view.topic.name}`, ...lines, ""].join("\n");
}

export function writeReport(view: View, language: Language): string {
  const zh = language === "zh";
  const { topic, pages } = view;
  const title = zh ? `# 「${topic.name}」研究报告` : `# Report: ${topic.name}`;
  const about = zh
    ? "> 由脚本化演示模型根据文末列出的网页整理：只摘录它读到的句子和数字，不作判断。方括号里的数字是来源编号。"
    : "> Put together by a scripted demo model from the pages at the end: it quotes sentences and figures that it read, and judges nothing. Numbers in brackets name the source.";
  if (pages.length === 0) {
    const heading = zh ? "## 没有找到的内容" : "## What could not be found";
    return [title, "", about, "", heading, "", describeNothing(view, language), "", ...sources(view, language)].join(
      "\n",
    );
  }
  const summary = pages.flatMap((page) => pickStatements(view, page, 1));
  const said = pages.flatMap((page) => [
    ...[`### ${headingOf(page)}`, ""],
    ...pickStatements(view, page, MAX_FACTS_PER_PAGE).map((fact) => `- ${cite(fact)}`),
    "",
  ]);
  const none =
    pages.length === 1
      ? {
          zh: "只有一个来源，没有第二个来源可以核对。",
          en: "There is one source only, and no second one to check it against.",
        }
      : {
          zh: "没有发现两个来源对同一件事给出不同的数字。",
          en: "No two of the pages give different figures for the same thing.",
        };
  const parts: [string, string[]][] = [
    [zh ? "摘要" : "Summary", [...summary.map((fact) => `- ${cite(fact)}`), ""]],
    [zh ? "各来源的数据" : "What the sources say", said],
    [zh ? "不一致之处" : "Where sources differ", [...list(describeDifferences(view, language), none[language]), ""]],
    [
      zh ? "局限" : "Limits",
      [...list(describeLimits(view, language), zh ? "来源没有说明。" : "The pages name none."), ""],
    ],
  ];
  const body = parts.flatMap(([heading, lines]) => [`## ${heading}`, "", ...lines]);
  return [title, "", about, "", ...body, ...sources(view, language)].join("\n");
}

function list(items: string[], none: string): string[] {
  return items.length === 0 ? [none] : items.map((item) => `- ${item}`);
}

function headingOf({ title, n }: ReadPage): string {
  return `${withoutBrackets(title)} [${n}]`;
}

/** Number, title and address of what was read. */
function sources({ pages }: View, language: Language): string[] {
  const zh = language === "zh";
  const lines = pages.map((page) => {
    const published = page.date === null ? "" : zh ? `发布于 ${page.date}，` : `published ${page.date}, `;
    const dates = zh ? `（${published}读取于 ${page.fetched}）` : ` (${published}read ${page.fetched})`;
    return `[${page.n}] ${withoutBrackets(page.title)} — <${page.url}>${dates}`;
  });
  return [zh ? "## 来源" : "## Sources", "", ...list(lines, zh ? "没有读到任何网页。" : "No page was read."), ""];
}
