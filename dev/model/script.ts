// The form of a scripted task. It is a generator: it yields a step, receives the results of the step's calls, and
// finally returns how the task ended. The same results always lead to the same next step, so a task is resumed at any
// point by running it from the start over the results in the messages.
import type { Content } from "./content.ts";
import type { Exchange, Language } from "./conversation.ts";
import type { Goal } from "./intent.ts";
import type { ToolUse } from "./reply.ts";
import type { Result } from "./result.ts";

export interface Words {
  zh: string;
  en: string;
}

export interface Step {
  text: Words;
  reasoning?: Words;
  uses: ToolUse[];
}

export interface Outcome {
  text: Words;
  status: "completed" | "cancelled";
  /** The next task is not begun in the same message: the server looks first. */
  is_alone?: true;
}

export interface TaskContext {
  content: Content;
  language: Language;
  goal: Goal;
  /** The task's text, and its position in the plan from 1. */
  task: string;
  number: number;
  /** The newest exchange of the thread that matches. */
  find: (fits: (exchange: Exchange) => boolean) => Exchange | undefined;
  /** All since the plan has this project's tasks. */
  exchanges: Exchange[];
  /** What the server said each time it ran the task's checks and did not close it. */
  refusals: string[];
}

export type TaskScript = (context: TaskContext) => Generator<Step, Outcome, Result[]>;

export interface ScriptedTask {
  title: Words;
  script: TaskScript;
  /** As the server takes them, without the number of the task. */
  checks?: Record<string, unknown>[];
}

export interface SummaryContext {
  language: Language;
  goal: Goal;
  completed: string[];
  cancelled: string[];
  find: TaskContext["find"];
  exchanges: Exchange[];
}

export interface Project {
  announce: (goal: Goal) => { text: Words; reasoning: Words };
  plan: (goal: Goal, language: Language) => { title: string; tasks: string[]; checks?: Record<string, unknown>[] }[];
  summarize: (context: SummaryContext) => string;
}

export function done(zh: string, en: string): Outcome {
  return { text: { zh, en }, status: "completed" };
}

export function givenUp(zh: string, en: string): Outcome {
  return { text: { zh, en }, status: "cancelled" };
}

/** Yields a step, and yields it again if a call of it failed, or for "some" if all of them did. */
export function* trying(step: Step, needed: "every" | "some" = "every"): Generator<Step, Result[], Result[]> {
  const results = yield step;
  if (results[needed]((result) => result.ok)) return results;
  return yield {
    ...step,
    text: { zh: "上一步没有成功，我再试一次。", en: "That did not work; I'll try once more." },
  };
}
