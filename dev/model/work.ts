// Carries out a plan: finds the due task, how far it is, and the next step. A task is resumed by running its script
// over the results since it became due. When the script has ended, the task is closed; when no task is open, the
// project is finished.
import type { Content } from "./content.ts";
import { type Conversation, type Exchange, isPlanTool, type Turn } from "./conversation.ts";

import { readIntent } from "./intent.ts";
import { dueTask, openTasks, type Task } from "./plan.ts";
import { findTask, projects } from "./projects/index.ts";
import { call, type Reply, say, type ToolUse } from "./reply.ts";
import { excerpt } from "./result.ts";
import { givenUp, type Outcome, type Step, type TaskContext } from "./script.ts";

// A failing call is tried this often; then the person gets the error.
export const MAX_ATTEMPTS = 2;

// A person who declines a second time does not want to be asked a third.
const MAX_REFUSALS = 2;

/** What a person declined is not tried again. */
export function canTry(tried: Exchange[]): boolean {
  return tried.length < MAX_ATTEMPTS && tried.at(-1)?.result.declined !== true;
}

export function work(conversation: Conversation, content: Content): Reply {
  const due = dueTask(conversation.plan);
  if (!due) return finish(conversation);
  const since = turnsSince(conversation);
  if (countRefusals(conversation) >= MAX_REFUSALS) return closeRemaining(conversation, due, since);
  if (since.some((turn) => turn.exchanges.some(isRefused))) return close(conversation, due, since, leaveOut(due));
  const progress = replay(conversation, content, due, since);
  if ("outcome" in progress) {
    const closing = close(conversation, due, since, progress.outcome);
    return progress.outcome.is_alone ? closing : goOn(conversation, content, closing);
  }
  const { step } = progress;
  const uses = step.uses.filter((use) => conversation.tools.has(use.name));
  const { language } = conversation;
  return say(acknowledge(conversation) + step.text[language], uses, step.reasoning?.[language]);
}

/** What was done since the due task became due, also in the message that ended the task before it. */
function turnsSince({ turns, due_since: since }: Conversation): Turn[] {
  return turns.flatMap((turn) => {
    const exchanges = turn.exchanges.filter(({ index }) => index > since);
    return turn.index > since || exchanges.length > 0 ? [{ ...turn, exchanges }] : [];
  });
}

function isRefused({ name, result }: Exchange): boolean {
  return result.declined === true && !isPlanTool(name) && name !== "ask" && name !== "complete";
}

function countRefusals({ recent }: Conversation): number {
  return recent.filter((turn) => turn.exchanges.some(isRefused)).length;
}

/** Closes all remaining tasks at once; the summary says so. */
function closeRemaining(conversation: Conversation, due: Task, since: Turn[]): Reply {
  const ids = openTasks(conversation.plan).map((task) => task.id);
  const words = givenUp(
    "你又没有批准，我就停在这里，不再问了。剩下的任务先收起来。",
    "You did not approve this either, so I stop here and ask no more. I put away what is left.",
  );
  return close(conversation, due, since, words, ids);
}

/** The person decides: a task that needs what they declined is left out, and the work continues after it. */
function leaveOut({ content }: Task): Outcome {
  return givenUp(
    `这一步你没有批准，我不再尝试，「${content}」先不做。`,
    `You did not approve this, so I don't try it again and leave "${content}" out.`,
  );
}

type Progress = { step: Step } | { outcome: Outcome };

/** Skips messages whose calls are not those of the current step (from another client or script). */
function replay(conversation: Conversation, content: Content, due: Task, since: Turn[]): Progress {
  const script = findTask(due.content).script(contextOf(conversation, content, due));
  const isOffered = (use: { name: string }) => conversation.tools.has(use.name);
  const past = since.map((turn) => turn.exchanges.filter((each) => !isPlanTool(each.name)));
  let taken = 0;
  let current = script.next();
  while (!current.done) {
    const { uses } = current.value;
    const names = listNames(uses.filter(isOffered));
    const at = names === "" ? taken - 1 : past.findIndex((each, index) => index >= taken && listNames(each) === names);
    if (at < 0 && names !== "") return { step: current.value };
    const settled = names === "" ? { exchanges: [], taken } : settle(past, at, uses.filter(isOffered));
    if ("step" in settled) return { step: settled.step };
    const { exchanges } = settled;
    taken = settled.taken;
    const notOffered = { ok: false, text: "this tool is not offered" };
    current = script.next(uses.map((use) => (isOffered(use) ? exchanges.shift()?.result : undefined) ?? notOffered));
  }
  return { outcome: current.value };
}

/**
 * The results of a message's calls. Calls that waited for a person's decision on another call are made again without
 * it.
 */
function settle(
  past: Exchange[][],
  at: number,
  uses: ToolUse[],
): { exchanges: Exchange[]; taken: number } | { step: Step } {
  const exchanges = [...(past[at] ?? [])];
  let place = at;
  for (let before = exchanges.length + 1; ; ) {
    const waiting = [...exchanges.keys()].filter((index) => exchanges[index]?.result.deferred);
    // Each round at least one call is made; if none was, the calls have failed.
    if (waiting.length === 0 || waiting.length >= before) return { exchanges, taken: place + 1 };
    before = waiting.length;
    const left = waiting.flatMap((index) => uses[index] ?? []);
    const next = past.findIndex((each, index) => index > place && listNames(each) === listNames(left));
    const made = past[next];
    if (!made) return { step: { text: { zh: "接着做刚才等着的。", en: "Now what had to wait." }, uses: left } };
    for (const [turn, index] of waiting.entries()) exchanges.splice(index, 1, ...made.slice(turn, turn + 1));
    place = next;
  }
}

function listNames(calls: { name: string }[]): string {
  return calls.map((each) => each.name).join();
}

function contextOf(conversation: Conversation, content: Content, due: Task): TaskContext {
  const tasks = conversation.plan?.sections.flatMap((section) => section.tasks) ?? [];
  const planned = conversation.first_seen.get(due.id) ?? conversation.due_since;
  return {
    content,
    language: conversation.language,
    goal: conversation.goalBefore(planned),
    task: due.content,
    number: tasks.findIndex((task) => task.id === due.id) + 1,
    find: finder(conversation),
    exchanges: exchangesAfter(conversation, planned),
    refusals: turnsSince(conversation)
      .flatMap((turn) => turn.exchanges)
      .filter((each) => each.name === "update_tasks" && isClosing(each, due) && refused.test(each.answer))
      .map(({ answer }) => answer),
  };
}

/** The server ran the task's checks. */
const refused = /^Not completed: the server ran the checks/;

function exchangesAfter({ turns }: Conversation, index: number): Exchange[] {
  return turns.flatMap((turn) => turn.exchanges).filter((exchange) => exchange.index > index);
}

function finder(conversation: Conversation): TaskContext["find"] {
  const exchanges = conversation.turns.flatMap((turn) => turn.exchanges);
  return (fits: (exchange: Exchange) => boolean) => exchanges.findLast(fits);
}

/** Acknowledges a message that a person wrote during the work, with the next step. */
function acknowledge({ language, is_steered, recent, request }: Conversation): string {
  if (!is_steered || recent.length > 0 || readIntent(request) === "continue") return "";
  const said = excerpt(request, 40);
  return language === "zh"
    ? `收到：「${said}」。我是脚本化演示模型，不会临场改变内容，先把计划做完。\n\n`
    : `I read "${said}". As a scripted demo model I can't change course on the way, so I go on with the plan.\n\n`;
}

function close(conversation: Conversation, due: Task, since: Turn[], outcome: Outcome, ids = [due.id]): Reply {
  const tried = since
    .flatMap((turn) => turn.exchanges)
    .filter((each) => each.name === "update_tasks" && isClosing(each, due, outcome.status));
  const { language } = conversation;
  if (!conversation.tools.has("update_tasks") || !canTry(tried)) {
    const why = excerpt(tried.at(-1)?.result.text ?? "update_tasks");
    return say(
      language === "zh"
        ? `任务「${due.content}」没能更新状态（${why}），我在这里停下。我是脚本化演示模型。`
        : `The state of the task "${due.content}" could not be changed (${why}), so I stop here. I am a scripted demo model.`,
    );
  }
  return say(acknowledge(conversation) + outcome.text[language], [
    call("update_tasks", { task_ids: ids, status: outcome.status }),
  ]);
}

function isClosing({ arguments: written }: Exchange, due: Task, status?: Outcome["status"]): boolean {
  return (
    written.includes(`"${due.id}"`) &&
    (status === undefined ? !written.includes("in_progress") : written.includes(status))
  );
}

/** Begins the next task in the message that ends this one. */
function goOn(conversation: Conversation, content: Content, closing: Reply): Reply {
  const next = openTasks(conversation.plan)[1];
  if (next === undefined || closing.calls?.length !== 1) return closing;
  const first = findTask(next.content)
    .script(contextOf(conversation, content, next))
    .next();
  if (first.done) return closing;
  const { text, reasoning, uses } = first.value;
  const { language } = conversation;
  const made = uses.filter((use) => conversation.tools.has(use.name));
  if (made.length === 0) return closing;
  const begun = say(`${closing.text}\n\n${text[language]}`, made, reasoning?.[language]);
  return { ...begun, calls: [...closing.calls, ...(begun.calls ?? [])] };
}

export function finish(conversation: Conversation): Reply {
  const tried = conversation.recent.flatMap((turn) => turn.exchanges).filter((each) => each.name === "complete");
  const summary = countRefusals(conversation) >= MAX_REFUSALS ? summarizeStop(conversation) : summarize(conversation);
  if (!conversation.tools.has("complete") || !canTry(tried)) return say(summary);
  // The run has ended with this summary; a repeated question gets the same words.
  if (tried.some((each) => each.result.ok)) return say(summary);
  return say("", [call("complete", { summary })]);
}

/** A project's own summary describes what was made; this one describes what the person stopped. */
function summarizeStop({ language, plan }: Conversation): string {
  const tasks = plan?.sections.flatMap((section) => section.tasks) ?? [];
  const titles = (status: string) => tasks.filter((task) => task.status === status).map((task) => task.content);
  const [done, left] = [titles("completed"), titles("cancelled")];
  return language === "zh"
    ? `你没有批准其中几步，所以我停下了。\n- 已完成：${done.join("、") || "无"}\n- 没有做：${left.join("、")}\n\n我是脚本化演示模型。`
    : `You did not approve some of the steps, so I stopped.\n- Done: ${done.join(", ") || "nothing"}\n- Not done: ${left.join(", ")}\n\nI am a scripted demo model.`;
}

function summarize(conversation: Conversation): string {
  const { language, plan, first_seen: firstSeen } = conversation;
  const made = conversation.turns.findLast((turn) =>
    turn.exchanges.some((each) => each.name === "create_tasks" && each.result.ok),
  );
  const goal = conversation.goalBefore(made?.index ?? Number.MAX_SAFE_INTEGER);
  const all = plan?.sections.flatMap((section) => section.tasks) ?? [];
  const ours = all.filter((task) => (firstSeen.get(task.id) ?? 0) > (made?.index ?? -1));
  const tasks = ours.length > 0 ? ours : all;
  const titles = (status: string) => tasks.filter((task) => task.status === status).map((task) => task.content);
  const kind = tasks.map((task) => findTask(task.content).kind).find((each) => each !== "build") ?? "build";
  const unfinished = openTasks(plan).map((task) => task.content);
  return projects[kind].summarize({
    language,
    goal,
    completed: titles("completed"),
    cancelled: [...titles("cancelled"), ...unfinished],
    find: finder(conversation),
    exchanges: exchangesAfter(conversation, made?.index ?? -1),
  });
}
