// A report from the web, where the run can search and read: searches, reads the pages that speak of the topic, takes
// the figures out of what it read, and writes them down with their sources. What it says comes from the results alone.
import type { Language } from "../conversation.ts";
import { type Goal, nameFolder } from "../intent.ts";
import {
  cite,
  citedIn,
  describeDifferences,
  describeNothing,
  pickStatements,
  writeNotes,
  writeReport,
} from "../lookup/report.ts";
import { readView, topicOf, type View, withoutBrackets } from "../lookup/view.ts";
import { call } from "../reply.ts";
import { excerpt, type Result } from "../result.ts";
import {
  done,
  givenUp,
  type Outcome,
  type Project,
  type ScriptedTask,
  type Step,
  type TaskContext,
  type TaskScript,
  trying,
} from "../script.ts";

/** The answer has this many figures of each page; the report has the others. */
const FIGURES_PER_PAGE = 2;

type Steps<Returned> = Generator<Step, Returned, Result[]>;

function folderOf(goal: Goal): string {
  return `research/${nameFolder(topicOf(goal).name)}`;
}

const viewOf = ({ goal, exchanges }: TaskContext): View => readView(goal, exchanges);
const hasCalled = ({ exchanges }: TaskContext, tool: string): boolean => exchanges.some(({ name }) => name === tool);

/** Once more in other words if nothing fits. */
function* search(context: TaskContext): Steps<Result[]> {
  const topic = topicOf(context.goal);
  const searches = (queries: string[]) => queries.map((query) => call("web_search", { query }));
  const results = yield* trying(
    {
      text: { zh: `用几种说法搜索「${topic.name}」。`, en: `Searching for "${topic.name}" in several ways.` },
      uses: searches(topic.queries),
    },
    "some",
  );
  if (viewOf(context).chosen.length > 0 || !results.some(({ ok }) => ok)) return results;
  return yield {
    text: { zh: "没有合适的结果，换一种说法再搜一次。", en: "Nothing fits. Once more in other words." },
    uses: searches(topic.other_queries),
  };
}

function* read(context: TaskContext): Steps<void> {
  const { chosen } = viewOf(context);
  if (chosen.length === 0) return;
  yield* trying(
    {
      text: {
        zh: `逐页读正文，共 ${chosen.length} 页：搜索结果只是线索，不能当依据。`,
        en: `Reading ${chosen.length === 1 ? "the page" : `the ${chosen.length} pages`}: a search result is a lead, not evidence.`,
      },
      uses: chosen.map(({ url }) => call("fetch_url", { url })),
    },
    "some",
  );
}

/** What a summary of a long thread left out is looked up again. */
function* lookUp(context: TaskContext): Steps<void> {
  if (!hasCalled(context, "web_search")) yield* search(context);
  if (!hasCalled(context, "fetch_url")) yield* read(context);
}

const searchTask: TaskScript = function* (context) {
  const results = yield* search(context);
  const { chosen } = viewOf(context);
  const count = chosen.length;
  if (count > 0) return done(`找到 ${count} 个相关网页。`, `Found ${count} ${count === 1 ? "page" : "pages"} on it.`);
  if (results.some(({ ok }) => ok)) return nothing(context);
  const why = withoutBrackets(excerpt(results[0]?.text ?? ""));
  return givenUp(`搜索没有成功：${why}`, `The search did not work: ${why}`);
};

const readTask: TaskScript = function* (context) {
  if (!hasCalled(context, "web_search")) yield* search(context);
  yield* read(context);
  const { chosen, pages, unread } = viewOf(context);
  if (chosen.length === 0) return givenUp("没有可读的网页。", "There is no page to read.");
  if (pages.length === 0) return nothing(context);
  const titles = pages.map(({ title, n }) => `${withoutBrackets(title)} [${n}]`);
  const missing = { zh: `；${unread.length} 页没能读到`, en: `; ${unread.length} could not be read` };
  const more = unread.length > 0 ? missing : { zh: "", en: "" };
  return done(
    `读了 ${pages.length} 页：${titles.join("、")}${more.zh}。`,
    `Read ${pages.length}: ${titles.join(", ")}${more.en}.`,
  );
};

const compareTask: TaskScript = function* (context) {
  yield* lookUp(context);
  const view = viewOf(context);
  if (view.pages.length === 0) return givenUp("没有可以对照的数据。", "There are no figures to compare.");
  const path = `${folderOf(context.goal)}/notes.md`;
  const problem = yield* write(path, writeNotes(view, context.language), {
    zh: "把读到的数字连同来源摘进笔记，再互相对照。",
    en: "Taking the figures with their sources into notes, and comparing them.",
  });
  if (problem) return problem;
  const differences = describeDifferences(view, context.language);
  const { length } = view.facts;
  return done(
    [`摘出 ${length} 条数据，写在 \`${path}\`。`, ...differences.map((each) => `${each}。`)].join("\n"),
    [`${length} statements with figures are in \`${path}\`.`, ...differences.map((each) => `${each}.`)].join("\n"),
  );
};

const reportTask: TaskScript = function* (context) {
  yield* lookUp(context);
  const path = `${folderOf(context.goal)}/report.md`;
  const problem = yield* write(path, writeReport(viewOf(context), context.language), {
    zh: "现在写报告，每个数字后面标出来源，文末列出来源。",
    en: "Now the report: each figure with its source beside it, and the sources at the end.",
  });
  return problem ?? done(`已写入 \`${path}\`。`, `Written to \`${path}\`.`);
};

function* write(path: string, content: string, text: Step["text"]): Steps<Outcome | null> {
  const [written] = yield* trying({ text, uses: [call("create_file", { path, content })] });
  if (written?.ok) return null;
  const why = excerpt(written?.text ?? "");
  return givenUp(`\`${path}\` 没有写成：${why}`, `\`${path}\` could not be written: ${why}`);
}

const checkTask: TaskScript = function* (context) {
  yield* lookUp(context);
  const path = `${folderOf(context.goal)}/report.md`;
  const [report] = yield* trying({
    text: { zh: "把报告读一遍，核对每个引用。", en: "Reading the report over, to check each citation." },
    uses: [call("read_file", { path })],
  });
  if (!report?.ok) {
    const why = excerpt(report?.text ?? "");
    return givenUp(`没能核对报告：${why}`, `The report could not be checked: ${why}`);
  }
  const read = new Set(viewOf(context).pages.map(({ n }) => n));
  const cited = citedIn(report.text);
  const wrong = cited.filter((n) => !read.has(n));
  if (wrong.length > 0) {
    const numbers = wrong.join(", ");
    return givenUp(`报告引用了没有读过的来源：${numbers}`, `The report cites sources that were not read: ${numbers}`);
  }
  return cited.length === 0
    ? done("报告没有引用任何来源，因为一个也没有读到。", "The report cites nothing, since nothing was read.")
    : done(
        `报告引用的 ${cited.length} 个来源全部读过。`,
        cited.length === 1
          ? "The one source that the report cites was read."
          : `Each of the ${cited.length} sources that the report cites was read.`,
      );
};

function nothing(context: TaskContext): Outcome {
  const view = viewOf(context);
  return givenUp(describeNothing(view, "zh"), describeNothing(view, "en"));
}

const reportTitle = { zh: "撰写带来源的报告", en: "Write the report with its sources" };

const sections: { title: { zh: string; en: string }; tasks: ScriptedTask[] }[] = [
  {
    title: { zh: "资料收集", en: "Collect" },
    tasks: [
      { title: { zh: "搜索资料", en: "Search the web" }, script: searchTask },
      { title: { zh: "阅读找到的网页", en: "Read the pages that were found" }, script: readTask },
    ],
  },
  {
    title: { zh: "分析", en: "Analyse" },
    tasks: [
      {
        title: { zh: "摘出数据并对照各来源", en: "Take out the figures and compare the sources" },
        script: compareTask,
      },
    ],
  },
  {
    title: { zh: "撰写", en: "Write" },
    tasks: [{ title: reportTitle, script: reportTask }],
  },
  {
    title: { zh: "核对", en: "Check" },
    tasks: [{ title: { zh: "核对引用", en: "Check the citations" }, script: checkTask }],
  },
];

export const webResearchTasks: ScriptedTask[] = sections.flatMap((section) => section.tasks);

export const webResearch: Project = {
  announce: (goal) => ({
    text: {
      zh: `好的，我来查资料，写一份关于「${topicOf(goal).name}」的报告。先说明：我是**脚本化演示模型**，只会搜索、读网页、摘录其中的数字，并标出来源。先列计划：`,
      en: `I'll look it up and write a report on "${topicOf(goal).name}". To be plain: I am a **scripted demo model**: I search, read pages and quote their figures with the sources, no more. First the plan:`,
    },
    reasoning: {
      zh: "研究类请求要先列任务清单：搜索、阅读、对照、撰写、核对引用。",
      en: "A research request gets a task list first: search, read, compare, write, check the citations.",
    },
  }),
  plan: (_goal, language) =>
    sections.map(({ title, tasks }) => ({ title: title[language], tasks: tasks.map((task) => task.title[language]) })),
  summarize: ({ language, goal, completed, cancelled, exchanges }) => {
    const zh = language === "zh";
    const view = readView(goal, exchanges);
    const isWritten = completed.includes(reportTitle[language]);
    const path = `${folderOf(goal)}/report.md`;
    const left = cancelled.join(zh ? "、" : ", ");
    return [
      ...(isWritten
        ? [
            zh
              ? `关于「${view.topic.name}」的报告写好了：\`${path}\``
              : `The report on "${view.topic.name}" is written: \`${path}\``,
          ]
        : []),
      ...(left === "" ? [] : [zh ? `没有做成：${left}。` : `Not done: ${left}.`]),
      ...describeFindings(
        view,
        language,
        exchanges.some(({ name }) => name === "web_search"),
      ),
      "",
      zh
        ? "我是脚本化演示模型：只摘录读到的内容，不作判断，请到来源核对。"
        : "I am a scripted demo model: I quote what I read and judge nothing, so check it at the sources.",
    ].join("\n");
  },
};

/** Nothing where the results are no longer in the conversation. */
function describeFindings(view: View, language: Language, hasSearched: boolean): string[] {
  if (view.pages.length === 0) return hasSearched ? ["", describeNothing(view, language)] : [];
  const differences = describeDifferences(view, language);
  return [
    "",
    ...view.pages.flatMap((page) => pickStatements(view, page, FIGURES_PER_PAGE).map((fact) => `- ${cite(fact)}`)),
    ...(differences.length === 0 ? [] : ["", language === "zh" ? "来源之间的不一致：" : "Where the sources differ:"]),
    ...differences.map((each) => `- ${each}`),
  ];
}
