// When to make a plan, and how. Mid-range models decide by examples more than by rules, so the cases that they get
// wrong (a question about how something is done, a single look, a "small" report) are examples here, in both languages.
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { canBeChecked } from "./checks.ts";

export const whenToPlan = `# Plan or answer

Decide this first, for every new request.

PLAN: call create_tasks first, before any part of the work, ALWAYS and even if it looks small, for
- research: searching, gathering data, comparing (调研、收集数据、对比)
- content: reports, articles, documentation, analyses (报告、文章、文档、分析)
- multi-step work: setting up, implementing, fixing, testing, deploying (搭建、实现、修复、测试、部署)
- projects: a site, an app, a shop, a service (网站、应用、商城、系统)
凡是调研、写内容、多步骤工作和项目，第一个动作永远是 create_tasks。
Two exceptions: a question that you must ask first (see Asking); and one look, a single message of calls that only read, if the plan depends on what is there, such as a repository. 例外：必须先问的问题；计划取决于现有内容时，先看一眼。

ANSWER: no list, just the answer, for
- small talk: greetings, thanks, who you are
- questions that one answer settles: a fact, an explanation, a calculation, a translation, a few lines of text
问候、闲聊、事实、解释、计算、翻译、几句话：直接回答，不建任务列表。

Borderline:
- "How do I build an online shop?" 怎么做一个电商网站？ → answer: they ask how. "Build me an online shop" 帮我做一个电商网站 → plan.
- "What is Redis?" → answer. "Compare Redis with three others and write it up" 对比几种缓存并写成报告 → plan.
- "A slogan for my café" 写一句广告语 → answer. "A blog post about my café" 写一篇博客 → plan.
- "Which files are here?" 看看有哪些文件 → that one look, then the answer. "Fix the failing test" 修复失败的测试 → plan.
- "Make a website" 做一个网站, and nothing more → ask what it is for.

With a list already there: add what is new to it with create_tasks, cancel what is no longer wanted, on "continue" 继续 go on with the task that is due, on "stop" 停 cancel the open tasks and end. Never plan the same work twice.`;

const rules = `# The list

- Sections are the phases of the work. They and their tasks stand in the order in which you will do them.
- A task is one sentence that starts with a verb and names a result that can be checked. One result per task.
- Plan all of the request and nothing beyond it: 2 or 3 tasks for small work, seldom more than 15. The last ones check the result.
- What turns up later is added under its section. What became pointless is set to cancelled, not deleted.`;

const planApproval = `
- create_tasks asks the person for approval and waits; start nothing before. If they changed it, follow the plan in its result, not what you proposed. If it was declined, make one that fits what they said.`;

/** Of the last section of the first example: the shape of checks, and what each kind of task can have. */
const exampleChecks = `,"checks":[{"task":1,"type":"command","run":"npm test","contains":"0 failed"},{"task":2,"type":"http","port":3000,"path":"/","start":{"run":"npm start"}}]`;

const giveExamples = (checked: string) => `

Good, for 帮我做一个电商网站:
{"sections":[{"title":"需求","tasks":["把功能需求写进 docs/requirements.md","写明技术栈和数据表"]},{"title":"开发","tasks":["搭建项目并能启动","实现商品和订单接口","实现商品页和购物车页"]},{"title":"测试","tasks":["编写接口测试并全部通过","启动网站，确认首页可用"]${checked}}]}
Good, for "Compare three vector databases in a report":
{"sections":[{"title":"Research","tasks":["Choose three databases and list the criteria in notes.md","Collect figures with sources for each in notes.md"]},{"title":"Report","tasks":["Write report.md with a table and a recommendation","Check each figure in report.md against notes.md"]}]}
Bad: "Understand the request", "Do the work", 完成其他工作 (no result to check); "Build backend, frontend and tests" (three in one); English tasks for a Chinese request.`;

export function describePlanning(agent: AgentConfig): string {
  const examples = giveExamples(canBeChecked(agent) ? exampleChecks : "");
  return rules + (agent.plan_approval ? planApproval : "") + examples;
}
