// Keeps a model from going in circles and from stopping halfway: the same call again and again, a reply that ends while
// tasks are open, an empty reply, a reply that was cut at the output limit. All functions are pure.
import type { ChatMessage } from "../../protocol/message.ts";
import type { Task } from "../../protocol/plan/task.ts";
import type { FinishReason } from "../model.ts";
import { taskId } from "../plan/numbers.ts";

/** The third equal call in a row is stopped. Two may be a retry. */
const MAX_EQUAL_CALLS = 3;
/** Reminders of open tasks without progress between them. */
const MAX_REMINDERS = 3;
/** Reminders since a task ended, whatever was done in between: work that never ends a task is not progress. */
const MAX_REMINDERS_A_TASK = 6;
/** How often the model is asked to continue a reply that was cut. */
const MAX_CONTINUATIONS = 3;
/** How many empty replies in a row end the run. */
const MAX_EMPTY_REPLIES = 2;

export interface RepetitionGuard {
  /** Counts the call. Returns an explanation that replaces its result if the call repeats once too often, else null. */
  check(name: string, written: string): string | null;
  /**
   * Records the result of a read-only call. A call whose result changes watches something, so it does not count as a
   * repetition.
   */
  record(name: string, written: string, content: string): void;
  /** The plan has changed, so equal calls may be for different tasks. */
  notePlanChange(): void;
}

interface Row {
  last: string;
  count: number;
  answer: string | null;
}

/**
 * Calls of plan tools (`isPlanTool`) don't end a row of other equal calls, unless they change the plan: a refused one
 * beside each call would hide the row. Any call ends a row of equal plan calls, since it may be the work that they
 * lacked.
 */
export function createRepetitionGuard(isPlanTool: (name: string) => boolean = () => false): RepetitionGuard {
  const newRow = (): Row => ({ last: "", count: 0, answer: null });
  const rows = { plan: newRow(), other: newRow() };
  const rowOf = (name: string) => (isPlanTool(name) ? rows.plan : rows.other);
  return {
    check(name, written) {
      const key = `${name} ${normalizeArguments(written)}`;
      if (!isPlanTool(name)) rows.plan = newRow();
      const row = rowOf(name);
      if (key !== row.last) row.answer = null;
      row.count = key === row.last ? row.count + 1 : 1;
      row.last = key;
      if (row.count < MAX_EQUAL_CALLS) return null;
      return `${name} was called ${row.count} times in a row with the same arguments, so it was not called again: the result would be the same. Look at the results above. If you wait for something, let time pass with another command; if it does not work, try another way; if you can't go on, ask the person.`;
    },
    record(name, written, content) {
      const row = rowOf(name);
      if (`${name} ${normalizeArguments(written)}` !== row.last) return;
      if (row.answer !== null && row.answer !== content) row.count = 1;
      row.answer = content;
    },
    notePlanChange() {
      rows.other = newRow();
    },
  };
}

/** Counts again what an earlier life of the run counted: the calls with results since the person last spoke. */
export function replayCalls(
  guard: RepetitionGuard,
  history: readonly ChatMessage[],
  readOnly: (name: string) => boolean,
  isPlanTool: (name: string) => boolean = () => false,
) {
  const recent = history.slice(history.findLastIndex((message) => message.role === "user") + 1);
  const results = new Map(
    recent.flatMap((message) => (message.role === "tool" ? [[message.tool_call_id, message.content] as const] : [])),
  );
  for (const message of recent) {
    if (message.role !== "assistant") continue;
    for (const { id, function: called } of message.tool_calls ?? []) {
      const content = results.get(id);
      if (content === undefined) continue;
      guard.check(called.name, called.arguments);
      if (readOnly(called.name)) guard.record(called.name, called.arguments, content);
      // A plan tool answers a change with JSON and a refusal with a sentence.
      else if (isPlanTool(called.name) && content.startsWith("{")) guard.notePlanChange();
    }
  }
}

/** Makes arguments comparable: they are equal if they differ in white space only. */
function normalizeArguments(written: string): string {
  try {
    return JSON.stringify(JSON.parse(written));
  } catch {
    return written.trim();
  }
}

/** Counts of replies without tool calls since the last progress, and the text of replies that were cut. */
export interface ReplyCounts {
  reminders: number;
  /** Since a task ended. */
  of_task: number;
  empty: number;
  continuations: number;
  begun: string;
}

export const noReplies: ReplyCounts = { reminders: 0, of_task: 0, empty: 0, continuations: 0, begun: "" };

export type ReplyDecision =
  | { kind: "done"; text: string }
  /** Send this to the model and continue. */
  | { kind: "nudge"; counts: ReplyCounts; nudge: string }
  /** Two empty replies in a row. */
  | { kind: "empty" }
  | { kind: "filtered" };

/** Decides what follows a reply without tool calls. */
export function judgeReply(counts: ReplyCounts, text: string, finish: FinishReason, open: Task[]): ReplyDecision {
  if (finish === "content_filter") return { kind: "filtered" };
  if (text.trim() === "") {
    const empty = counts.empty + 1;
    if (empty >= MAX_EMPTY_REPLIES) return counts.begun ? { kind: "done", text: counts.begun } : { kind: "empty" };
    return { kind: "nudge", counts: { ...counts, empty }, nudge: describeEmpty(finish) };
  }
  const whole = counts.begun + text;
  if (finish === "length" && counts.continuations < MAX_CONTINUATIONS) {
    const next = { ...counts, empty: 0, continuations: counts.continuations + 1, begun: whole };
    return { kind: "nudge", counts: next, nudge: goOn };
  }
  const due = open[0];
  if (due && counts.reminders < MAX_REMINDERS && counts.of_task < MAX_REMINDERS_A_TASK) {
    const next = { ...noReplies, reminders: counts.reminders + 1, of_task: counts.of_task + 1 };
    return { kind: "nudge", counts: next, nudge: describeOpen(due, open.length) };
  }
  return { kind: "done", text: whole };
}

const goOn =
  "Your reply reached the output limit and was cut. Go on exactly where it stopped, without repeating anything.";

function describeEmpty(finish: FinishReason): string {
  return finish === "length"
    ? "Your reply reached the output limit before it said anything. Think less and act in smaller steps: call a tool, or answer the person."
    : "Your reply was empty. Call a tool to go on with the work, or answer the person.";
}

function describeOpen(due: Task, count: number): string {
  const tasks = count === 1 ? "1 task is" : `${count} tasks are`;
  return `You ended your reply without a tool call, but ${tasks} still open; the due one is ${taskId(due)}. The work is not finished: go on with it now by calling a tool. If it is done, set it to completed with update_tasks. If it can't or need not be done, set it to cancelled. If you need the person, call ask.`;
}
