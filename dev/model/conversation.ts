// Reads the messages of one request: who wants what, what was done, and the state of the plan. The script reads
// everything again from each request, so it needs no memory of its own.
import { withoutEnvironment } from "./environment.ts";
import type { Goal } from "./intent.ts";
import { readIntent } from "./intent.ts";
import { dueTask, isOutdated, type Plan, planAfter } from "./plan.ts";
import { separateReminder } from "./reminder.ts";
import { type Result, readResult } from "./result.ts";
import { expandSummary } from "./summary.ts";
import type { ChatRequest, Message, ToolCall } from "./wire.ts";

export type Language = "zh" | "en";

export interface Exchange extends ToolCall {
  /** The position of the result. */
  index: number;
  result: Result;
  /** The result as it is. */
  answer: string;
}

/** One assistant message with the results of its calls. */
export interface Turn {
  index: number;
  text: string;
  exchanges: Exchange[];
}

export interface Conversation {
  tools: Set<string>;
  /** The newest message of a person. */
  request: string;
  request_index: number;
  language: Language;
  turns: Turn[];
  /** Turns since the newest message of a person. */
  recent: Turn[];
  plan: Plan | null;
  /** A person has changed the plan since: view_tasks shows it as it is. */
  is_outdated: boolean;
  /** The position of the result that made the due task due. */
  due_since: number;
  /** The position where each task first appeared. */
  first_seen: Map<string, number>;
  /** The person wrote while work was under way. */
  is_steered: boolean;
  /** The newest message of a person is known from a summary, which also replaces a part of the work on it. */
  is_shortened: boolean;
  /** A reminder mentions tasks, although the plan itself may have been compacted away. */
  has_reminded_tasks: boolean;
  goalBefore: (index: number) => Goal;
}

const planTools = new Set(["create_tasks", "view_tasks", "update_tasks", "delete_tasks", "clear_all"]);

export function isPlanTool(name: string): boolean {
  return planTools.has(name);
}

export function readConversation(request: ChatRequest): Conversation {
  const all = separateReminder(request.messages).map(withoutEnvironment);
  const expanded = all.flatMap((message) => expandSummary(message));
  const messages = expanded.map((message) => (isReminder(message) ? null : message));
  const turns = readTurns(messages);
  const requestIndex = messages.findLastIndex((message) => message?.role === "user");
  const text = messages[requestIndex]?.text ?? "";
  const before = messages.slice(0, Math.max(requestIndex, 0)).findLast((message) => message !== null);
  const plans = readPlans(turns);
  const goalBefore = (index: number) => readGoal(messages, turns, index, 3);
  return {
    tools: request.tools,
    request: text,
    request_index: requestIndex,
    language: readLanguage(text, goalBefore(messages.length).text, messages),
    turns,
    recent: turns.filter((turn) => turn.index > requestIndex),
    ...plans,
    is_outdated: isOutdated(plans.plan, reminderOf(all)),
    is_steered: before?.role === "tool" && !/cancell?ed|取消/i.test(before.text.slice(0, 500)),
    is_shortened: requestIndex >= 0 && !all.includes(expanded[requestIndex] as Message),
    has_reminded_tasks: all.some((message) => isReminder(message) && /\btask_\w/.test(message.text)),
    goalBefore,
  };
}

/** What the server says at the end of the request. */
function reminderOf(messages: Message[]): string {
  const last = messages.at(-1);
  return last !== undefined && last.role === "user" && isReminder(last) ? last.text : "";
}

function isReminder(message: Message): boolean {
  if (message.role === "system") return true;
  return message.role === "user" && /^\s*<(plan_)?(reminder|system|context)\b/.test(message.text);
}

function readTurns(messages: (Message | null)[]): Turn[] {
  return messages.flatMap((message, index) => {
    if (message?.role !== "assistant") return [];
    const results = new Map<string, { index: number; text: string }>();
    for (let next = index + 1; messages[next]?.role === "tool"; next++) {
      const answer = messages[next];
      if (answer) results.set(answer.tool_call_id, { index: next, text: answer.text });
    }
    const exchanges = message.calls.map((call) => {
      const { index: at, text } = results.get(call.id) ?? { index, text: "error: no result" };
      return { ...call, index: at, result: readResult(call.name, text), answer: text };
    });
    return [{ index, text: message.text, exchanges }];
  });
}

function readPlans(turns: Turn[]) {
  const firstSeen = new Map<string, number>();
  let plan: Plan | null = null;
  let due = dueTask(null);
  let dueSince = -1;
  for (const exchange of turns.flatMap((turn) => turn.exchanges)) {
    const { name, arguments: written, answer } = exchange;
    const changed: Plan | null = isPlanTool(name) ? planAfter(plan, name, written, answer) : plan;
    if (changed === null || changed === plan) continue;
    plan = changed;
    for (const task of changed.sections.flatMap((section) => section.tasks)) {
      if (!firstSeen.has(task.id)) firstSeen.set(task.id, exchange.index);
    }
    const next = dueTask(changed);
    if (next?.id !== due?.id) dueSince = exchange.index;
    due = next;
  }
  return { plan, due_since: dueSince, first_seen: firstSeen };
}

/** The goal of work before `index`: a person's message, with their answers to questions. */
function readGoal(messages: (Message | null)[], turns: Turn[], index: number, depth: number): Goal {
  const at = messages.slice(0, index).findLastIndex((message) => message?.role === "user");
  const text = messages[at]?.text ?? "";
  const asked = turns.filter((turn) => turn.index > at && turn.index < index).flatMap((turn) => turn.exchanges);
  const answers = asked.filter((each) => each.name === "ask" && each.result.ok).map((each) => each.result.text);
  const earlier = turns.findLast((turn) => turn.index < at);
  const isAnswer = earlier?.exchanges.some((each) => each.name === "ask") || isQuestion(earlier?.text ?? "");
  // An answer that is a complete request itself replaces the earlier one.
  const isWish = ["shop", "research", "build"].includes(readIntent(text));
  if (!earlier || !isAnswer || isWish || depth === 0) return { text, answers };
  const goal = readGoal(messages, turns, earlier.index, depth - 1);
  return { text: goal.text, answers: [text, ...answers] };
}

// Recognizes a question that was asked in plain text because the `ask` tool was missing. Its words are in
// `projects/ask`.
const questionMarks = ["想先做哪一个？", "which should it be?"];

function isQuestion(text: string): boolean {
  return questionMarks.some((mark) => text.toLowerCase().includes(mark));
}

function readLanguage(request: string, goal: string, messages: (Message | null)[]): Language {
  for (const text of [request, goal]) {
    const start = text.slice(0, 2000);
    if (/\p{Script=Han}/u.test(start)) return "zh";
    if (/[a-z]{2}/i.test(start) && text === goal) return "en";
  }
  const people = messages.filter((message) => message?.role === "user");
  return people.some((message) => /\p{Script=Han}/u.test(message?.text.slice(0, 2000) ?? "")) ? "zh" : "en";
}
