// Renders a run for Slack: one message for each page of its text. The last one has the plan, and the blocks of the
// run's end.
import { isChinese } from "../../agent/language.ts";
import { type RunView, showsPlan, textOf } from "../../agent/run-view.ts";
import { markOf } from "../../lib/text-mark.ts";
import { isHighSurrogate } from "../../lib/truncate.ts";
import type { PlanState, TaskStatus } from "../../protocol/plan/task.ts";
import type { SlackPlace } from "../../protocol/slack.ts";
import { type Block, endBlocks, oneLine, planText } from "./blocks.ts";
import type { ShownPage } from "./shown.ts";
import { shorten, toPages, withoutMentions } from "./text.ts";
import { describeVerified } from "./verified.ts";

export interface Rendering {
  text: string;
  /** Null on all pages but the last. */
  plan: PlanState | null;
  chinese: boolean;
  isEmpty: boolean;
  /** The blocks below everything else; none before the run's end. */
  end: Block[];
  /** The whole message, as arguments of `chat.postMessage` and `chat.update`. */
  message: { text: string; blocks: Block[] } | { markdown_text: string };
  mark: string;
}

/** One append of a stream. */
export interface Change {
  chunks: Record<string, unknown>[];
  /** Whether nothing is left to append after it. */
  isLast: boolean;
  after: Pick<ShownPage, "sent" | "mark" | "tasks">;
}

/** The length of a message's fallback text, which phones show in notifications. */
const NOTICE_CHARACTERS = 300;
/** The tasks of one append. The next one has the rest of a longer plan. */
const MAX_TASKS = 40;
const PLAN_TITLE = "";

/** The run's whole text, in the form in which it is sent to Slack. */
export function textForSlack(view: RunView): string {
  return withoutMentions(textOf(view));
}

export function render(view: RunView, place: SlackPlace, plain: boolean): Rendering[] {
  const texts = toPages(textForSlack(view));
  // A plan is in the person's language; an answer may quote sources in another.
  const words = showsPlan(view) ? view.plan.sections.map(({ title }) => title).join(" ") : texts[0] || view.asked;
  const chinese = isChinese(words);
  return texts.map((text, at) => {
    const isLast = at === texts.length - 1;
    const plan = isLast && showsPlan(view) ? view.plan : null;
    const end = isLast && view.end !== null ? endBlocks({ run: view.end, place, links: view.links, chinese }) : [];
    const message = toMessage(text, plan, end, plain);
    const isEmpty = text === "" && plan === null;
    return { text, plan, chinese, isEmpty, end, message, mark: markOf(JSON.stringify(message)) };
  });
}

function toMessage(text: string, plan: PlanState | null, end: Block[], plain: boolean): Rendering["message"] {
  const listed = plan === null ? "" : planText(plan);
  const whole = [text, listed].filter((part) => part !== "").join("\n\n");
  if (plain) return { markdown_text: [whole, ...end.map(plainText)].filter((part) => part !== "").join("\n\n") || "…" };
  const markdown = [text, listed].filter((part) => part !== "").map((part) => ({ type: "markdown", text: part }));
  return { text: shorten(whole, NOTICE_CHARACTERS) || "…", blocks: [...markdown, ...end] };
}

/** The text of a block that can't be shown, with its links in Markdown. */
function plainText(block: Block): string {
  const texts = [block.text, ...(Array.isArray(block.elements) && block.type === "context" ? block.elements : [])];
  return texts
    .map((part: unknown) =>
      typeof part === "object" && part !== null ? String((part as { text?: unknown }).text ?? "") : "",
    )
    .join(" ")
    .replace(/<([^<|>]+)\|([^<>]+)>/g, "[$2]($1)")
    .trim();
}

export function streamBegin(page: Rendering): Change {
  const nothing: ShownPage = { ts: "", state: "streaming", sent: 0, mark: markOf(""), tasks: {} };
  return changeOf(nothing, page, false) ?? { chunks: [], isLast: false, after: nothing };
}

/** Returns what a stream lacks; null if its text is not the beginning of the page's text. */
export function changeOf(shown: ShownPage, page: Rendering, isWhole: boolean): Change | null {
  if (markOf(page.text.slice(0, shown.sent)) !== shown.mark) return null;
  // The next message has the plan now, and a stream can't remove the one it has.
  if (isWhole && page.plan === null && Object.keys(shown.tasks).length > 0) return null;
  const { chunks, tasks, left } = taskChunks(shown.tasks, page);
  const end = isWhole ? page.text.length : endOfWhole(page.text);
  const text = page.text.slice(shown.sent, end);
  if (text !== "") chunks.push({ type: "markdown_text", text });
  const sent = Math.max(shown.sent, end);
  return { chunks, isLast: left === 0, after: { sent, mark: markOf(page.text.slice(0, sent)), tasks } };
}

/** The end of the text's last whole character: half a surrogate pair waits for its other half. */
function endOfWhole(text: string): number {
  return isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length;
}

const statuses: Record<TaskStatus, string> = {
  pending: "pending",
  in_progress: "in_progress",
  completed: "complete",
  // Slack has no status for it.
  cancelled: "error",
};

function taskChunks(shown: Record<string, string>, { plan, chinese }: Rendering) {
  const chunks: Record<string, unknown>[] = [];
  const tasks = { ...shown };
  if (plan === null) return { chunks, tasks, left: 0 };
  const all = plan.sections.flatMap((section) => section.tasks);
  const done = all.filter(({ status }) => status === "completed").length;
  const title = chinese ? `计划：完成 ${done}/${all.length}` : `Plan: ${done} of ${all.length} done`;
  const wanted = new Map<string, Record<string, unknown>>([[PLAN_TITLE, { type: "plan_update", title }]]);
  for (const task of all) {
    const { id, content, status } = task;
    const cancelled = status === "cancelled" ? [chinese ? "已取消" : "Cancelled"] : [];
    const notes = [...cancelled, describeVerified(task, chinese)].filter((note) => note !== null);
    const details = notes.length === 0 ? {} : { details: notes.join(chinese ? "，" : ", ") };
    wanted.set(id, { type: "task_update", id, title: oneLine(content) || "…", status: statuses[status], ...details });
  }
  for (const id of Object.keys(shown)) {
    // A stream can't remove a task.
    const removed = { type: "task_update", id, title: chinese ? "已移除" : "Removed", status: "complete" };
    if (!wanted.has(id)) wanted.set(id, removed);
  }
  const changed = [...wanted].filter(([id, chunk]) => tasks[id] !== markOf(JSON.stringify(chunk)));
  for (const [id, chunk] of changed.slice(0, MAX_TASKS)) {
    chunks.push(chunk);
    tasks[id] = markOf(JSON.stringify(chunk));
  }
  return { chunks, tasks, left: Math.max(0, changed.length - MAX_TASKS) };
}
