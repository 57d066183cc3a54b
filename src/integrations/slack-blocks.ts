// What a run ends with in Slack: buttons that answer its questions, why it failed, where to look. And the plan as a text, for
// messages that are not streamed.
import type { Interrupt, Run } from "../protocol/run.ts";
import type { SlackPlace } from "../protocol/slack.ts";
import type { PlanState, TaskStatus } from "../protocol/task.ts";
import { actionId, encodeAction } from "./slack-actions.ts";
import { escapeMarkup, shorten, withoutMentions } from "./slack-text.ts";

export type Block = Record<string, unknown> & { type: string };

/** Slack takes 50 blocks a message; more questions than these are answered on the web page, all at once. */
const MOST_QUESTIONS = 12;
/** Of the 25 that Slack takes in a row, with room for an own answer. Nobody reads more. */
const MOST_CHOICES = 20;
const SECTION = 2_900;
const BUTTON = 75;
const PLAN = 2_900;
const MOST_LINKS = 5;

export interface EndOfRun {
  run: Run;
  place: SlackPlace;
  links: { port: number; url: string }[];
  chinese: boolean;
}

export function endBlocks(end: EndOfRun): Block[] {
  const { run, chinese } = end;
  const { status, error, result, interrupts } = run;
  const blocks: Block[] = [];
  if (status === "interrupted" && interrupts.length <= MOST_QUESTIONS) {
    blocks.push(...interrupts.flatMap((interrupt) => questionBlocks(end, interrupt)));
  } else if (status === "interrupted") {
    blocks.push(section(chinese ? "请在网页上回答这些问题。" : "Please answer these questions on the web page."));
  }
  if (status === "failed") {
    const why = escapeMarkup(shorten(error?.message ?? "", SECTION - 100));
    blocks.push(section(`:warning: ${chinese ? "出错了：" : "This failed: "}${why}`));
  }
  const notes = [
    ...(status === "cancelled" ? [chinese ? "已停止" : "Stopped"] : []),
    ...unfinished(result?.unfinished_tasks ?? 0, chinese),
    ...end.links.slice(-MOST_LINKS).map(({ port, url }) => link(url, chinese ? `预览 ${port}` : `Preview ${port}`)),
    link(pageOf(end), chinese ? "在 Taskloom 中打开" : "Open in Taskloom"),
  ];
  blocks.push({ type: "context", elements: [{ type: "mrkdwn", text: notes.join("  ·  ") }] });
  return blocks;
}

function unfinished(count: number, chinese: boolean): string[] {
  if (count === 0) return [];
  return [chinese ? `还有 ${count} 项任务未完成` : `${count} ${count === 1 ? "task is" : "tasks are"} unfinished`];
}

function pageOf({ place, run }: EndOfRun): string {
  return `${place.origin}/#thread=${encodeURIComponent(run.thread_id)}`;
}

/** An address that holds what ends a link's address is told as a text. */
function link(url: string, label: string): string {
  return /[<>|\s]/.test(url) ? escapeMarkup(url) : `<${url.replaceAll("&", "&amp;")}|${label}>`;
}

function section(text: string): Block {
  return { type: "section", text: { type: "mrkdwn", text: shorten(text, SECTION), verbatim: true } };
}

/** The question, then its buttons, in a block that has the interrupt's id. */
function questionBlocks({ run, chinese }: EndOfRun, interrupt: Interrupt): Block[] {
  const value = (choice?: string, place?: number) =>
    encodeAction({
      t: run.thread_id,
      r: run.invocation_id,
      i: interrupt.id,
      ...(choice === undefined ? {} : { c: choice }),
      ...(place === undefined ? {} : { n: place }),
    });
  const buttons: Block[] =
    interrupt.reason === "question"
      ? [
          ...choicesOf(interrupt).map((choice, place) =>
            button(choice, actionId("choice", place), choice.length > 500 ? value(undefined, place) : value(choice)),
          ),
          button(chinese ? "回答…" : "Answer…", actionId("answer"), value()),
        ]
      : [
          button(chinese ? "同意" : "Approve", actionId("approve"), value("approve"), "primary"),
          button(chinese ? "拒绝" : "Decline", actionId("decline"), value("decline"), "danger"),
        ];
  const said = section(`*${escapeMarkup(shorten(interrupt.message, SECTION - 20))}*`.replace(/^\*\*$/, "?"));
  const details = describe(interrupt);
  return [
    said,
    ...(details === "" ? [] : [section(`\`\`\`${escapeMarkup(shorten(details, SECTION - 300))}\`\`\``)]),
    { type: "actions", block_id: interrupt.id, elements: buttons },
  ];
}

function button(label: string, action_id: string, value: string, style?: "primary" | "danger"): Block {
  const text = { type: "plain_text", text: shorten(label.trim() || "…", BUTTON), emoji: false };
  return { type: "button", text, action_id, value, ...(style === undefined ? {} : { style }) };
}

export function choicesOf({ response_schema }: Interrupt): string[] {
  const { enum: choices } = response_schema;
  if (!Array.isArray(choices)) return [];
  return choices.filter((choice): choice is string => typeof choice === "string").slice(0, MOST_CHOICES);
}

/** What is to be approved: a call's arguments, or a plan. */
function describe({ reason, response_schema }: Interrupt): string {
  const properties = response_schema.properties as Record<string, { default?: unknown }> | undefined;
  if (reason === "approval") {
    const given = properties?.arguments?.default;
    return given === undefined ? "" : JSON.stringify(given, null, 1).replaceAll("```", "`\u200b``");
  }
  if (reason !== "plan_approval" || !Array.isArray(properties?.sections?.default)) return "";
  const sections = properties.sections.default as { title?: unknown; tasks?: unknown }[];
  const lines = sections.flatMap(({ title, tasks }) => [
    String(title ?? ""),
    ...(Array.isArray(tasks) ? tasks.map((task) => `  • ${String(task)}`) : []),
  ]);
  return lines.join("\n").replaceAll("```", "`\u200b``");
}

/** What stops a run while it works. */
export function controlBlocks(run: { thread_id: string; invocation_id: string }, chinese: boolean): Block[] {
  const value = encodeAction({ t: run.thread_id, r: run.invocation_id });
  const label = chinese ? "停止" : "Stop";
  return [{ type: "actions", elements: [button(label, actionId("stop"), value, "danger")] }];
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
  return withoutMentions(shorten(text.replace(/\s+/g, " ").trim(), 200));
}
