// What a run ends with in Slack: what it asks, why it failed, where to look. And the plan as a text, for messages that are not
// streamed.
import type { PlanState, TaskStatus } from "../../protocol/plan/task.ts";
import type { Run } from "../../protocol/run.ts";
import type { SlackPlace } from "../../protocol/slack.ts";
import { stopButton } from "./actions.ts";
import { askQuestions, closeQuestions, escapeText } from "./questions.ts";
import { shorten, withoutMentions } from "./text.ts";

export type Block = Record<string, unknown> & { type: string };

/** Has room beside the longest page and the longest plan. */
const SECTION = 1_000;
const PLAN = 2_000;
const MOST_LINKS = 5;

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
  if (status === "failed") {
    const why = escapeText(shorten(error?.message ?? "", SECTION - 100));
    blocks.push(section(`:warning: ${chinese ? "出错了：" : "This failed: "}${why}`));
  }
  const notes = [
    ...(status === "cancelled" ? [chinese ? "已停止" : "Stopped"] : []),
    ...unfinished(result?.unfinished_tasks ?? 0, chinese),
    ...end.links.slice(-MOST_LINKS).map(({ port, url }) => link(url, chinese ? `预览 ${port}` : `Preview ${port}`)),
    link(webUrl(place, run), chinese ? "在 Taskloom 中打开" : "Open in Taskloom"),
  ];
  blocks.push({ type: "context", elements: [{ type: "mrkdwn", text: notes.join("  ·  ") }] });
  return blocks;
}

function unfinished(count: number, chinese: boolean): string[] {
  if (count === 0) return [];
  return [chinese ? `还有 ${count} 项任务未完成` : `${count} ${count === 1 ? "task is" : "tasks are"} unfinished`];
}

/** Where the thread is shown on the web page. */
function webUrl(place: SlackPlace, run: Run): string {
  return `${place.origin}/#thread=${encodeURIComponent(run.thread_id)}`;
}

/** An address that holds what ends a link's address is told as a text. */
function link(url: string, label: string): string {
  return /[<>|\s]/.test(url) ? escapeText(url) : `<${url.replaceAll("&", "&amp;")}|${label}>`;
}

function section(text: string): Block {
  return { type: "section", text: { type: "mrkdwn", text: shorten(text, SECTION), verbatim: true } };
}

/** What stops a run while it works; null where no button can hold its ids. */
export function controlBlocks(run: { thread_id: string; invocation_id: string }, chinese: boolean): Block[] | null {
  const button = stopButton(run.thread_id, run.invocation_id, chinese ? "停止" : "Stop");
  return button && [{ type: "actions", elements: [button] }];
}

/** The message that asks what a run asked. */
export function questionMessage(run: Run, place: SlackPlace) {
  const { thread_id, invocation_id, interrupts } = run;
  return askQuestions({ thread_id, invocation_id, interrupts, web_url: webUrl(place, run) });
}

/** The same once it can't be answered there any more. */
export function closedMessage(run: Run, place: SlackPlace) {
  const { thread_id, invocation_id, interrupts } = run;
  return closeQuestions({ thread_id, invocation_id, interrupts, web_url: webUrl(place, run) }, new Map());
}

const marks: Record<TaskStatus, string> = { pending: "▫️", in_progress: "▶️", completed: "✅", cancelled: "✖️" };

/** The plan in Markdown, as far as it has room. */
export function planText({ sections }: PlanState): string {
  let text = "";
  for (const { title, tasks } of sections) {
    const lines = [
      `**${oneLine(title)}**`,
      ...tasks.map(({ content, status }) => `${marks[status]} ${oneLine(content)}`),
    ].map((line) => `${line}\n`);
    for (const line of lines) {
      if (text.length + line.length > PLAN) return `${text}…`;
      text += line;
    }
  }
  return text.trimEnd();
}

export function oneLine(text: string): string {
  return shorten(withoutMentions(text.replace(/\s+/g, " ").trim()), 200);
}
