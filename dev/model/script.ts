// The form of a scripted task. It is a generator: it yields a step, gets the results of the step's calls, and in the end
// says how the task went. Since the same results always lead to the same next step, a task is taken up at any point by
// running it from its start over the results that the messages hold.
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
}

export interface TaskContext {
  content: Content;
  language: Language;
  goal: Goal;
  /** The task's own words, and its place in the plan from 1. */
  task: string;
  number: number;
  /** The newest exchange of the thread that fits. */
  find: (fits: (exchange: Exchange) => boolean) => Exchange | undefined;
}

export type TaskScript = (context: TaskContext) => Generator<Step, Outcome, Result[]>;

export interface ScriptedTask {
  title: Words;
  script: TaskScript;
}

export interface SummaryContext {
  language: Language;
  goal: Goal;
  completed: string[];
  cancelled: string[];
  find: TaskContext["find"];
}

export interface Project {
  announce: (goal: Goal) => { text: Words; reasoning: Words };
  plan: (goal: Goal, language: Language) => { title: string; tasks: string[] }[];
  summarize: (context: SummaryContext) => string;
}

export function done(zh: string, en: string): Outcome {
  return { text: { zh, en }, status: "completed" };
}

export function givenUp(zh: string, en: string): Outcome {
  return { text: { zh, en }, status: "cancelled" };
}

/** One step, taken a second time if a call of it failed. */
export function* trying(step: Step): Generator<Step, Result[], Result[]> {
  const results = yield step;
  if (results.every((result) => result.ok)) return results;
  return yield {
    ...step,
    text: { zh: "上一步没有成功，我再试一次。", en: "That did not work; I'll try once more." },
  };
}
