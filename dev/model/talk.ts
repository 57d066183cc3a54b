// Plain answers: small talk, sums, what the script is and can do, questions, and a summary where a server requests one.
import { calculate } from "./arithmetic.ts";
import type { Conversation } from "./conversation.ts";
import type { Intent } from "./intent.ts";
import { call, type Reply, say } from "./reply.ts";
import { excerpt } from "./result.ts";
import type { ChatRequest } from "./wire.ts";

interface Answer {
  fits: RegExp;
  zh: string;
  en: string;
}

const abilities = {
  zh: "你可以这样试我：\n- 「帮我做一个电商网站」：计划、写代码、测试、上线，最后给出链接\n- 「调研远程办公，写一份带来源的报告」：搜索、读网页，每个数字都标出来源\n- 任何多步骤的请求：我会列出计划并逐项走完\n\n要得到真正的回答，请设置 `OPENAI_API_KEY` 接入真实模型。",
  en: 'Try me with:\n- "build me an online shop": plan, code, check, launch, and a link at the end\n- "research remote work and write a report with sources": search, read, and a source beside each figure\n- any request of several steps: I make a plan and work through it\n\nFor real answers set `OPENAI_API_KEY` and connect a real model.',
};

const answers: Answer[] = [
  {
    fits: /^(?:你好|您好|嗨|哈喽|早上好|下午好|晚上好|在吗|hi|hello|hey|good (?:morning|afternoon|evening))\b|^(?:你好|您好|嗨|哈喽|早上好|下午好|晚上好|在吗)/i,
    zh: `你好！我是 Taskloom 的脚本化演示模型，不是真实的大模型。${abilities.zh}`,
    en: `Hello! I am Taskloom's scripted demo model, not a real one. ${abilities.en}`,
  },
  {
    fits: /你是谁|你是什么|什么模型|自我介绍|你叫什么|\bwho are you\b|\bwhat are you\b|\bwhich model\b|\bwhat model\b|\byour name\b|\bare you (?:a |an )?(?:real|ai|human|bot)/i,
    zh: `我是**脚本化演示模型**（\`taskloom-scripted-demo\`）：没有人工智能，只有固定的剧本，用来不花钱地演示 Taskloom。${abilities.zh}`,
    en: `I am a **scripted demo model** (\`taskloom-scripted-demo\`): no intelligence, only a fixed script, made to show Taskloom at no cost. ${abilities.en}`,
  },
  {
    fits: /谢谢|多谢|感谢|辛苦|\bthank(?:s| you)\b|\bgreat\b|\bnice\b|\bwell done\b/i,
    zh: "不客气！作为脚本化演示模型，我还可以再演示一个项目：电商网站、研究报告，或者任何多步骤的请求。",
    en: "You're welcome! As a scripted demo model I can show you another project: an online shop, a report, or any request of several steps.",
  },
  {
    fits: /再见|拜拜|晚安|\b(?:bye|goodbye|see you|good night)\b/i,
    zh: "再见！——脚本化演示模型",
    en: "Goodbye! – the scripted demo model",
  },
  {
    fits: /你(?:能|会|可以)(?:做|干)?什么|帮助|怎么用|\bwhat can you\b|\bhelp\b|\bhow do (?:i|you)\b/i,
    zh: `我是脚本化演示模型。${abilities.zh}`,
    en: `I am a scripted demo model. ${abilities.en}`,
  },
];

export function talk(conversation: Conversation, intent: Intent, request: ChatRequest): Reply {
  const { language, plan } = conversation;
  const text = conversation.request.slice(0, 2000).trim();
  const isSummary =
    request.tools.size === 0 &&
    request.messages.some(({ role, text: said }) => role !== "assistant" && /summar|摘要/i.test(said.slice(0, 4000)));
  if (isSummary) return say(summarizeTalk(request));
  const sum = calculate(text);
  if (sum !== null) return say(language === "zh" ? `结果是 **${sum}**。` : `That is **${sum}**.`);
  if (plan && intent === "change") return say(explainChange(language));
  if (intent === "continue")
    return say(language === "zh" ? "现在没有未完成的任务。" : "There is no open task to go on with.");
  if (intent === "stop")
    return say(language === "zh" ? "好的，没有正在进行的任务了。" : "All right, nothing is being worked on.");
  const answer = answers.find((each) => each.fits.test(text));
  if (answer) return say(answer[language]);
  if (!conversation.tools.has("create_tasks") && intent !== "talk" && intent !== "change")
    return say(explainNoTools(language));
  return say(
    language === "zh"
      ? `这个问题我答不了：我是**脚本化演示模型**，只会照剧本走。${abilities.zh}`
      : `I can't answer that: I am a **scripted demo model** and only follow a script. ${abilities.en}`,
  );
}

function explainChange(language: "zh" | "en"): string {
  return language === "zh"
    ? "这样的修改需要真实模型：我是脚本化演示模型，做好的项目不会再改。文件都在沙箱里，你可以接入真实模型接着改，或者让我再做一个新项目。"
    : "A change like this takes a real model: as a scripted demo model I don't alter what is done. The files are in the sandbox; connect a real model to go on, or ask me for a new project.";
}

function explainNoTools(language: "zh" | "en"): string {
  return language === "zh"
    ? "这个请求需要任务清单和沙箱工具，但这次没有提供给我。我是脚本化演示模型。"
    : "This needs the task list and the sandbox tools, and none were offered to me here. I am a scripted demo model.";
}

/** A server that shortens a long conversation requests a summary without offering tools. */
function summarizeTalk(request: ChatRequest): string {
  const people = request.messages
    .filter((message) => message.role === "user")
    .map((message) => excerpt(message.text, 120));
  const calls = request.messages.flatMap((message) => message.calls.map((each) => each.name));
  const counts = Object.entries(Object.groupBy(calls, (name) => name)).map(
    ([name, all]) => `${name} × ${all?.length ?? 0}`,
  );
  return [
    "Summary by the scripted demo model.",
    `Messages of the person: ${people.slice(0, 5).join(" | ") || "none"}`,
    `Tools used: ${counts.join(", ") || "none"}`,
  ].join("\n");
}

/** Asks which project the person wants; in plain text where the `ask` tool is missing or fails. */
export function askBack({ language, tools, recent }: Conversation): Reply {
  const zh = "我是脚本化演示模型，可以演示几种项目。你想先做哪一个？";
  const en = "I am a scripted demo model and can show a few kinds of project. Which should it be?";
  const choices =
    language === "zh" ? ["网上商店", "研究报告", "个人主页"] : ["Online shop", "Research report", "Personal page"];
  const question = language === "zh" ? zh : en;
  const wasAsked = recent.some((turn) => turn.exchanges.some((each) => each.name === "ask"));
  if (tools.has("ask") && !wasAsked) return say("", [call("ask", { question, choices })]);
  return say(`${question}\n${choices.map((choice) => `- ${choice}`).join("\n")}`);
}
