// The scorer: finds the move that a model's reply makes, and scores it. Pure. It parses replies by the same schemas and
// rules as the server. The checks of wording are heuristics: they notice what is plainly wrong, and can't distinguish a
// good plan from a mediocre one.
import { checkArguments } from "../../src/agent/calls/tool-arguments.ts";
import type { CreateTasksInput } from "../../src/agent/plan/arguments.ts";
import { createTasks } from "../../src/agent/plan/rules.ts";
import { type Env, readConfig } from "../../src/config.ts";
import type { ToolCall } from "../../src/protocol/message.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";
import { createTools } from "../../src/tools/index.ts";
import { peopleTools } from "../../src/tools/people.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { fits, readLanguage } from "./language.ts";
import type { EvalRequest, Language, Move } from "./requests.ts";

export interface Reply {
  text: string;
  calls: ToolCall[];
}

export interface Score {
  move: Move;
  /** 0 to 1. A wrong move scores 0. */
  score: number;
  /** The move is right, and so are the language and the plan as a whole. */
  passed: boolean;
  /** The reasons for lost points, one clause each. */
  faults: string[];
}

/** The move is what the prompt is for; the rest is how well it was made. The sum is 1. */
const weights = { move: 0.6, language: 0.2, size: 0.1, checkable: 0.1 };

export function scoreReply(request: EvalRequest, reply: Reply): Score {
  const move = readMove(reply);
  if (!request.accepted.includes(move)) {
    return {
      move,
      score: 0,
      passed: false,
      faults: [`${describeMove(reply, move)} instead of ${request.accepted.join(" or ")}`],
    };
  }
  if (move === "plan") return scorePlan(request.language, reply);
  const said = move === "ask" ? readQuestion(reply) : reply.text;
  return scoreWords(move, request.language, said);
}

export function readMove({ text, calls }: Reply): Move {
  const first = calls[0]?.function.name;
  if (first === undefined) return text.trim() === "" ? "nothing" : "answer";
  if (first === "create_tasks") return "plan";
  if (first === "ask") return "ask";
  return calls.every(({ function: called }) => looking.has(called.name)) ? "look" : "work";
}

/** Tools for work that only read. */
const looking = new Set(
  createTools(readConfig({} as Env))
    .filter(({ kind, read_only }) => kind === "work" && read_only)
    .map(({ name }) => name),
);

function describeMove({ calls }: Reply, move: Move): string {
  if (move !== "work" && move !== "look") return move;
  const names = calls.map((call) => call.function.name);
  return names.includes("create_tasks") ? `${names[0]} before the plan` : `${names[0]} first`;
}

function scoreWords(move: Move, language: Language, said: string | null): Score {
  if (said === null) return { move, score: weights.move, passed: false, faults: ["the question was refused"] };
  const read = readLanguage(said);
  if (read === null || read === language) return { move, score: 1, passed: true, faults: [] };
  return { move, score: weights.move, passed: false, faults: [`the words are ${read}, the request is ${language}`] };
}

function readQuestion({ calls }: Reply): string | null {
  const checked = check("ask", calls[0]);
  return checked?.ok ? (checked.input as { question: string }).question : null;
}

function scorePlan(language: Language, reply: Reply): Score {
  const plan = readPlan(reply.calls);
  if (typeof plan === "string")
    return { move: "plan", score: weights.move, passed: false, faults: [`the plan was refused: ${plan}`] };
  const tasks = plan.tasks.map((task) => task.content);
  const lines = [...plan.sections.map((section) => section.title), ...tasks];
  const whole = readLanguage(lines.join("\n"));
  const foreign = lines.filter((line) => !fits(line, language));
  const isRight = whole === null || whole === language;
  const unclear = tasks.flatMap((task) => {
    const fault = findFault(task);
    return fault === null ? [] : [`${fault}: ${task}`];
  });
  const faults = [
    ...(isRight
      ? foreign.map((line) => `not ${language}: ${line}`)
      : [`the plan is ${whole}, the request is ${language}`]),
    ...(tasks.length < 2 ? ["a plan of one task"] : []),
    ...unclear,
  ];
  const score =
    weights.move +
    (isRight ? weights.language * (1 - foreign.length / lines.length) : 0) +
    (tasks.length < 2 ? 0 : weights.size) +
    weights.checkable * (1 - unclear.length / tasks.length);
  return { move: "plan", score, passed: isRight && tasks.length >= 2, faults };
}

/** Models may write a plan as several calls, one per section. Returns the reason if its first part is invalid. */
function readPlan(calls: ToolCall[]): Plan | string {
  let plan: Plan = { version: 0, sections: [], tasks: [] };
  for (const call of calls) {
    if (call.function.name !== "create_tasks") break;
    const checked = check("create_tasks", call);
    if (!checked?.ok) return checked?.message ?? "no such tool";
    const change = createTasks(plan, checked.input as CreateTasksInput);
    if (!change.ok) return change.message;
    plan = change.plan;
  }
  return plan;
}

function check(name: string, call: ToolCall | undefined): ReturnType<typeof checkArguments> | null {
  const tool = [...taskTools, ...peopleTools].find((known) => known.name === name);
  return tool && call ? checkArguments(tool, call.function.arguments, false) : null;
}

/** The end of a sentence followed by more: a second sentence, a paragraph or a list in a task. */
const sentenceEnd = /[。！？!?](?=.*\S)|\.\s+(?=\p{Lu}|\p{Script=Han})|\n/u;
const vague =
  /^(?:do|finish|complete|handle|continue)\b.{0,20}\b(?:rest|work|everything|remaining|tasks?|request)\b|^understand (?:the )?(?:request|task|requirements?)\W*$|\b(?:etc\b|and so on)|^(?:完成|处理|做完|继续)(?:剩余|剩下|其他|其余|所有|全部)|^(?:理解|了解)(?:需求|任务|请求)\W*$|等等|[.…]{3}\s*$|…\s*$/iu;
/** In characters; a longer sentence contains more than one result. */
const MAX_LENGTH = 160;

/** What is plainly wrong with a task, or null. */
function findFault(task: string): string | null {
  if (task.length > MAX_LENGTH) return "too long";
  const han = task.match(/\p{Script=Han}/gu)?.length ?? 0;
  const words = task.match(/[\p{Script=Latin}\d][\w./-]*/gu)?.length ?? 0;
  // 搭建环境 and "Run tests" are the shortest that name an action and its object.
  if (han / 2 + words < 2) return "too short to be checked";
  if (sentenceEnd.test(task)) return "more than one sentence";
  return vague.test(task) ? "vague" : null;
}
