// A research report on the named topic: writes notes, analysis and report as files, then counts and proofreads them.
// All of it says that it is demo material for which nothing was looked up.
import type { ContentName } from "../content.ts";
import { nameFolder, readTopic } from "../intent.ts";
import { call } from "../reply.ts";
import { excerpt } from "../result.ts";
import { done, givenUp, type Project, type ScriptedTask, type TaskScript, trying } from "../script.ts";

function folderOf(topic: string): string {
  return `research/${nameFolder(topic)}`;
}

function writing(file: string, name: ContentName, zh: string, en: string): TaskScript {
  return function* (context) {
    const topic = readTopic(context.goal);
    const path = `${folderOf(topic)}/${file}`;
    const content = context.content.read(name, context.language, { topic });
    const [written] = yield* trying({ text: { zh, en }, uses: [call("create_file", { path, content })] });
    if (written?.ok) return done(`已写入 \`${path}\`。`, `Written to \`${path}\`.`);
    const why = excerpt(written?.text ?? "");
    return givenUp(`\`${path}\` 没有写成：${why}`, `\`${path}\` could not be written: ${why}`);
  };
}

const check: TaskScript = function* (context) {
  const folder = folderOf(readTopic(context.goal));
  const counting = context.language === "zh" ? "wc -m" : "wc -w";
  const [counted, read] = yield* trying({
    text: { zh: "统计篇幅，并把报告通读一遍。", en: "Counting the words, and reading the report over." },
    uses: [
      call("execute_command", { command: `cd ${folder} && ${counting} notes.md analysis.md report.md` }),
      call("read_file", { path: `${folder}/report.md` }),
    ],
  });
  const count = /(\d{1,9})\s{1,9}report\.md/.exec(counted?.text ?? "")?.[1];
  if (counted?.ok && count)
    return done(`报告共 ${count} 字，结构完整。`, `The report has ${count} words and all its parts.`);
  if (read?.ok) return done("报告已通读，字数没能统计。", "The report was read over; counting did not work.");
  const why = excerpt(counted?.text ?? "");
  return givenUp(`没能核对报告：${why}`, `The report could not be checked: ${why}`);
};

const sections: { title: { zh: string; en: string }; tasks: ScriptedTask[] }[] = [
  {
    title: { zh: "资料收集", en: "Collect" },
    tasks: [
      {
        title: { zh: "列出调研问题与资料清单", en: "List the questions and the sources" },
        script: writing(
          "notes.md",
          "research/*/notes.md",
          "先写下要回答的问题，以及应当查找的资料。",
          "The questions to answer, and what should be read.",
        ),
      },
    ],
  },
  {
    title: { zh: "分析", en: "Analyse" },
    tasks: [
      {
        title: { zh: "比较各个方案", en: "Compare the options" },
        script: writing(
          "analysis.md",
          "research/*/analysis.md",
          "用同一组标准比较各个方案。",
          "All options against the same criteria.",
        ),
      },
    ],
  },
  {
    title: { zh: "撰写", en: "Write" },
    tasks: [
      {
        title: { zh: "撰写研究报告", en: "Write the report" },
        script: writing("report.md", "research/*/report.md", "现在写报告正文。", "Now the report itself."),
      },
    ],
  },
  {
    title: { zh: "核对", en: "Check" },
    tasks: [{ title: { zh: "统计字数并通读", en: "Count the words and read it over" }, script: check }],
  },
];

export const researchTasks: ScriptedTask[] = sections.flatMap((section) => section.tasks);

export const research: Project = {
  announce: (goal) => ({
    text: {
      zh: `好的，我来写一份关于「${readTopic(goal)}」的研究报告。先说明：我是**脚本化演示模型**，同时能搜索和读网页时才查资料，现在不能，所以报告只是演示材料。先列计划：`,
      en: `I'll write a report on "${readTopic(goal)}". To be plain: I am a **scripted demo model** and look things up only where I can both search and read pages. Here I can't, so the report is demo material. First the plan:`,
    },
    reasoning: {
      zh: "研究类请求要先列任务清单：收集、分析、撰写、核对。",
      en: "A research request gets a task list first: collect, analyse, write, check.",
    },
  }),
  plan: (_goal, language) =>
    sections.map(({ title, tasks }) => ({ title: title[language], tasks: tasks.map((task) => task.title[language]) })),
  summarize: ({ language, goal, completed, cancelled }) => {
    const topic = readTopic(goal);
    const path = `${folderOf(topic)}/report.md`;
    if (language === "zh") {
      return [
        cancelled.length === 0
          ? `关于「${topic}」的研究报告写好了：\`${path}\``
          : `关于「${topic}」的报告没有全部完成：${cancelled.join("、")}。`,
        `- 完成任务：${completed.length} 项；同一文件夹里还有笔记与分析`,
        "\n我是脚本化演示模型，没有查任何资料，报告只演示结构，不能作为依据。",
      ].join("\n");
    }
    return [
      cancelled.length === 0
        ? `The report on "${topic}" is written: \`${path}\``
        : `The report on "${topic}" is not complete: ${cancelled.join(", ")}.`,
      `- Tasks done: ${completed.length}; notes and analysis are in the same folder`,
      "\nI am a scripted demo model, and nothing was looked up: the report shows the form and is nothing to rely on.",
    ].join("\n");
  },
};
