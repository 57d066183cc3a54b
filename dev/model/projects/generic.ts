// Any other request of several steps, and any task that a person added to a plan. The plan consists of the request's
// own words, and each task writes a file or reviews what exists.
import { nameFolder, readAim, readSteps } from "../intent.ts";
import { call } from "../reply.ts";
import { excerpt } from "../result.ts";
import { done, givenUp, type Project, type TaskScript, trying } from "../script.ts";

const isCheck = /核对|检查|测试|验证|\b(?:check|verify|test|review)\b/i;
const isDelivery = /整理|交付|说明|汇总|\b(?:deliver|hand over|summar\w+|readme)\b/i;

export const genericTask: TaskScript = function* (context) {
  const goal = readAim(context.goal);
  const folder = nameFolder(goal);
  if (isCheck.test(context.task)) {
    const [looked] = yield* trying({
      text: { zh: "看看到目前为止的产出。", en: "A look at what there is so far." },
      uses: [call("execute_command", { command: `mkdir -p ${folder} && cd ${folder} && ls -l && cat ./*.md | wc -c` })],
    });
    if (looked?.ok) return done("产出都在，已经核对。", "Everything is there and looked over.");
    const why = excerpt(looked?.text ?? "");
    return givenUp(`没能核对：${why}`, `It could not be checked: ${why}`);
  }
  const isLast = isDelivery.test(context.task);
  const path = isLast ? `${folder}/README.md` : `${folder}/${String(context.number).padStart(2, "0")}.md`;
  const name = isLast ? "generic/*/readme.md" : "generic/*/task.md";
  const content = context.content.read(name, context.language, { goal, task: context.task });
  const [written] = yield* trying({
    text: { zh: `开始：${context.task}。`, en: `Now: ${context.task}.` },
    uses: [call("create_file", { path, content })],
  });
  if (written?.ok) return done(`已写入 \`${path}\`。`, `Written to \`${path}\`.`);
  const why = excerpt(written?.text ?? "");
  return givenUp(`\`${path}\` 没有写成：${why}`, `\`${path}\` could not be written: ${why}`);
};

export const generic: Project = {
  announce: (goal) => ({
    text: {
      zh: `好的：「${readAim(goal)}」。先说明：我是**脚本化演示模型**，不会真正创作内容，但计划、文件和命令都是真实的。先列计划：`,
      en: `All right: "${readAim(goal)}". To be plain: I am a **scripted demo model**; I can't create the substance, but plan, files and commands are real. First the plan:`,
    },
    reasoning: {
      zh: "这个请求需要多个步骤，先把它拆成任务清单，再逐项执行。",
      en: "This takes several steps, so I split it into a task list and then work through it.",
    },
  }),
  plan: (goal, language) => {
    const steps = readSteps(goal);
    if (language === "zh") {
      return [
        { title: "准备", tasks: [`明确目标与完成标准：${readAim(goal)}`] },
        { title: "实施", tasks: steps.length > 0 ? steps : ["做出最小可用的版本", "补充细节与例外情况"] },
        { title: "收尾", tasks: ["检查全部产出", "整理交付说明"] },
      ];
    }
    return [
      { title: "Prepare", tasks: [`State the aim and when it is done: ${readAim(goal)}`] },
      {
        title: "Carry out",
        tasks: steps.length > 0 ? steps : ["Make the smallest version that works", "Add details and edge cases"],
      },
      { title: "Finish", tasks: ["Check everything that was made", "Deliver it with a short README"] },
    ];
  },
  summarize: ({ language, goal, completed, cancelled }) => {
    const aim = readAim(goal);
    if (language === "zh") {
      return [
        `「${aim}」的演示做完了，文件在 \`${nameFolder(aim)}/\`。`,
        `- 完成任务：${completed.length} 项${cancelled.length > 0 ? `；没有做成：${cancelled.join("、")}` : ""}`,
        "\n我是脚本化演示模型：流程是真实的，内容是示例；接入真实模型后会得到真正的成果。",
      ].join("\n");
    }
    return [
      `The demo of "${aim}" is done; its files are in \`${nameFolder(aim)}/\`.`,
      `- Tasks done: ${completed.length}${cancelled.length > 0 ? `; not done: ${cancelled.join(", ")}` : ""}`,
      "\nI am a scripted demo model: the process is real, the content is an example. A real model gives you the real thing.",
    ].join("\n");
  },
};
