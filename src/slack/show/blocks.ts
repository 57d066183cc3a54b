// The blocks at the end of a run in Slack: why it failed, notes, links, and the message with its questions. Also the
// plan as text, for messages that are not streamed.
import { explainCapInChinese } from "../../agent/cap-words.ts";
import { isChinese } from "../../agent/language.ts";
import type { PlanState, TaskStatus } from "../../protocol/plan/task.ts";
import type { Run, RunSource } from "../../protocol/run.ts";
import type { SlackPlace } from "../../protocol/slack.ts";
import { stopButton } from "./actions.ts";
import { askQuestions, closeQuestions, escapeText } from "./questions.ts";
import { shorten, withoutMentions } from "./text.ts";
import { describeVerified } from "./verified.ts";

export type Block = Record<string, unknown> & { type: string };

/** Fits into one message beside the longest page and the longest plan. */
const SECTION_CHARACTERS = 1_000;
const PLAN_CHARACTERS = 2_000;
const MAX_LINKS = 5;
const MAX_SOURCES = 10;
const SOURCES_CHARACTERS = 1_500;

export interface EndOfRun {
  run: Run;
  place: SlackPlace;
  links: { port: number; url: string }[];
  chinese: boolean;
}

export function endBlocks(end: EndOfRun): Block[] {
  const { run, place, chinese } = end;
  const { status, error, result } = run;
  const blocks: Block[] = [];
  if (status === "failed") blocks.push(section(`:warning: ${describeFailure(error, chinese)}`));
  const sources = listSources(run.sources ?? [], chinese);
  if (sources !== null) blocks.push({ type: "context", elements: [{ type: "mrkdwn", text: sources }] });
  const notes = [
    ...(status === "cancelled" ? [chinese ? "已停止" : "Stopped"] : []),
    ...unfinished(result?.unfinished_tasks ?? 0, chinese),
    ...end.links.slice(-MAX_LINKS).map(({ port, url }) => link(url, chinese ? `预览 ${port}` : `Preview ${port}`)),
    link(webUrl(place, run), chinese ? "在 Taskloom 中打开" : "Open in Taskloom"),
  ];
  blocks.push({ type: "context", elements: [{ type: "mrkdwn", text: notes.join("  ·  ") }] });
  return blocks;
}

/** A run that may not spend more has not failed at its work, and says what to do. */
function describeFailure(error: Run["error"], chinese: boolean): string {
  const why = escapeText(shorten(error?.message ?? "", SECTION_CHARACTERS - 200));
  const cap = error?.cap;
  switch (error?.code) {
    case "budget":
      if (!chinese) return `Stopped at a limit on spending: ${why}`;
      if (cap === undefined) return `已停止，达到了花费上限：${why}`;
      return `已停止：${explainCapInChinese(cap, error.reason)}`;
    case "budget_unavailable":
      if (!chinese) return `Stopped, since what is left to spend can't be looked up: ${why}`;
      return "已停止：暂时无法查询剩余额度，因此没有继续花费。请过几分钟再发一次消息。";
    case "price_unknown":
      return `${chinese ? "已停止，不知道该模型的价格：" : "Stopped, since the model's price is not known: "}${why}`;
    default:
      return `${chinese ? "出错了：" : "This failed: "}${why}`;
  }
}

/** What the answer cites; where it cites nothing, what was read. The page has them all. */
function listSources(sources: RunSource[], chinese: boolean): string | null {
  const cited = sources.filter((source) => source.cited);
  const listed = cited.length > 0 ? cited : sources;
  let text = chinese ? "来源：" : "Sources:";
  for (const [at, { n, url, title, read }] of listed.entries()) {
    const name = title === null ? "" : ` ${escapeText(shorten(oneLine(title), 80))}`;
    const line = `\n${link(url, `[${n}]`)}${name}${read ? "" : chinese ? "（未阅读）" : " (not read)"}`;
    const left = listed.length - at;
    if (at === MAX_SOURCES || text.length + line.length > SOURCES_CHARACTERS)
      return `${text}\n${chinese ? `另有 ${left} 个` : `and ${left} more`}`;
    text += line;
  }
  return listed.length === 0 ? null : text;
}

function unfinished(count: number, chinese: boolean): string[] {
  if (count === 0) return [];
  return [chinese ? `还有 ${count} 项任务未完成` : `${count} ${count === 1 ? "task is" : "tasks are"} unfinished`];
}

/** The address of the thread on the web page. */
function webUrl(place: SlackPlace, run: Run): string {
  return `${place.origin}/#thread=${encodeURIComponent(run.thread_id)}`;
}

/** A link in Slack's markup. An address with characters that would end the markup is shown as text. */
function link(url: string, label: string): string {
  return /[<>|\s]/.test(url) ? escapeText(url) : `<${url.replaceAll("&", "&amp;")}|${label}>`;
}

function section(text: string): Block {
  return { type: "section", text: { type: "mrkdwn", text: shorten(text, SECTION_CHARACTERS), verbatim: true } };
}

/** The block with the button that stops a run; null if its ids do not fit into a button. */
export function controlBlocks(run: { thread_id: string; invocation_id: string }, chinese: boolean): Block[] | null {
  const button = stopButton(run.thread_id, run.invocation_id, chinese ? "停止" : "Stop");
  return button && [{ type: "actions", elements: [button] }];
}

/** The message with the questions of an interrupted run. */
export function questionMessage(run: Run, place: SlackPlace) {
  const { thread_id, invocation_id, interrupts } = run;
  return askQuestions({ thread_id, invocation_id, interrupts, web_url: webUrl(place, run) });
}

/** The same message when it can no longer be answered there. */
export function closedMessage(run: Run, place: SlackPlace) {
  const { thread_id, invocation_id, interrupts } = run;
  return closeQuestions({ thread_id, invocation_id, interrupts, web_url: webUrl(place, run) }, new Map());
}

const marks: Record<TaskStatus, string> = { pending: "▫️", in_progress: "▶️", completed: "✅", cancelled: "✖️" };

/** The plan in Markdown, cut to its limit. */
export function planText({ sections }: PlanState): string {
  let text = "";
  const chinese = isChinese(sections.map(({ title }) => title).join(" "));
  for (const { title, tasks } of sections) {
    const lines = [
      `**${oneLine(title)}**`,
      ...tasks.map((task) => {
        const seen = describeVerified(task, chinese);
        return `${marks[task.status]} ${oneLine(task.content)}${seen === null ? "" : ` _(${seen})_`}`;
      }),
    ].map((line) => `${line}\n`);
    for (const line of lines) {
      if (text.length + line.length > PLAN_CHARACTERS) return `${text}…`;
      text += line;
    }
  }
  return text.trimEnd();
}

export function oneLine(text: string): string {
  return shorten(withoutMentions(text.replace(/\s+/g, " ").trim()), 200);
}
