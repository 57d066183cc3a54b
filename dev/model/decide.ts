// Decides what to say next, by rules from the most specific to the most general. Each reads only the conversation. A
// request always ends after a bounded number of steps.
import type { Content } from "./content.ts";
import { type Conversation, readConversation } from "./conversation.ts";
import { readHooks } from "./hooks.ts";
import { type Intent, readIntent } from "./intent.ts";
import { dueTask, openTasks } from "./plan.ts";
import { chooseProject } from "./projects/index.ts";
import { call, type Reply, say } from "./reply.ts";
import { excerpt } from "./result.ts";
import { asksForSummary, writeSummary } from "./summary.ts";
import { askBack, talk } from "./talk.ts";
import type { ChatRequest } from "./wire.ts";
import { canTry, finish, MAX_ATTEMPTS, work } from "./work.ts";

// The longest script takes about forty steps; twice that is a conversation that goes wrong.
const MAX_STEPS = 100;

export function decide(request: ChatRequest, content: Content): Reply {
  if (asksForSummary(request)) return say(writeSummary(request));
  const conversation = readConversation(request);
  const hooked = readHooks(conversation, request.messages);
  if (hooked) return hooked;
  if (conversation.recent.length >= MAX_STEPS) return giveUp(conversation);
  if (conversation.is_outdated && canView(conversation)) return say("", [call("view_tasks", {})]);
  const intent = readIntent(conversation.request);
  const isOpen = dueTask(conversation.plan) !== null;
  if (isOpen && intent === "stop") return stop(conversation);
  if (!conversation.tools.has("create_tasks")) return talk(conversation, intent, request);
  if (isProject(conversation, intent)) return carryOut(conversation, content);
  if (isOpen && isWorking(conversation, intent)) return work(conversation, content);
  if (hasPlanned(conversation)) return finish(conversation);
  return intent === "ask" ? askBack(conversation) : talk(conversation, intent, request);
}

/** Once: what a person does meanwhile shows at the next message. */
function canView({ tools, recent }: Conversation): boolean {
  return tools.has("view_tasks") && !recent.at(-1)?.exchanges.some(({ name }) => name === "view_tasks");
}

/** Whether work was under way before the newest message, or the person wants it to continue. */
function isWorking(conversation: Conversation, intent: Intent): boolean {
  return (
    intent === "continue" || conversation.is_steered || conversation.recent.some((turn) => turn.exchanges.length > 0)
  );
}

function isProject(conversation: Conversation, intent: Intent): boolean {
  if (intent === "shop" || intent === "research" || intent === "build") return true;
  const goal = conversation.goalBefore(Number.MAX_SAFE_INTEGER);
  return goal.answers.length > 0 && intent !== "stop" && intent !== "continue";
}

function hasPlanned(conversation: Conversation): boolean {
  return conversation.recent.some((turn) => turn.exchanges.some((each) => each.name === "update_tasks"));
}

/** A request for a project: makes the plan once, works through it, then finishes the project. */
function carryOut(conversation: Conversation, content: Content): Reply {
  const recent = conversation.recent.flatMap((turn) => turn.exchanges);
  const created = recent.filter((each) => each.name === "create_tasks");
  if (created.some((each) => each.result.ok)) return work(conversation, content);
  if (created.at(-1)?.result.declined) return explainDeclinedPlan(conversation);
  if (conversation.is_shortened && conversation.plan) return work(conversation, content);
  if (created.length >= MAX_ATTEMPTS) return explainNoPlan(conversation, created.at(-1)?.result.text ?? "");
  const wasViewed = recent.some((each) => each.name === "view_tasks");
  if (!conversation.plan && conversation.has_reminded_tasks && !wasViewed && conversation.tools.has("view_tasks")) {
    return say("", [call("view_tasks", {})]);
  }
  // The messages were shortened during the work: only this request can have created the plan's tasks.
  if (wasViewed && (openTasks(conversation.plan).length > 0 || hasPlanned(conversation)))
    return work(conversation, content);
  const left = conversation.is_steered ? [] : openTasks(conversation.plan).map((task) => task.id);
  const cancelling = recent.filter((each) => each.name === "update_tasks");
  if (left.length > 0 && canTry(cancelling) && conversation.tools.has("update_tasks")) {
    const { language } = conversation;
    const text =
      language === "zh" ? "先把上一份计划里没做的任务收起来。" : "First I put away what was left of the last plan.";
    return say(text, [call("update_tasks", { task_ids: left, status: "cancelled" })]);
  }
  return makePlan(conversation);
}

function makePlan(conversation: Conversation): Reply {
  const goal = conversation.goalBefore(Number.MAX_SAFE_INTEGER);
  const project = chooseProject(goal, conversation.tools);
  const { text, reasoning } = project.announce(goal);
  const sections = project.plan(goal, conversation.language);
  return say(text[conversation.language], [call("create_tasks", { sections })], reasoning[conversation.language]);
}

function explainNoPlan({ language }: Conversation, error: string): Reply {
  const why = excerpt(error);
  return say(
    language === "zh"
      ? `计划没能保存：${why}。请稍后再试。我是脚本化演示模型。`
      : `The plan could not be stored: ${why}. Please try again later. I am a scripted demo model.`,
  );
}

/** The same plan again would ask the same question again, so the person has to say what to change. */
function explainDeclinedPlan({ language }: Conversation): Reply {
  return say(
    language === "zh"
      ? "好的，这份计划不执行，什么都还没有做。请把想要的改法写进请求再说一次；或者在批准计划时直接修改它。我是脚本化演示模型，只会照剧本列计划，但会按你改过的计划来做。"
      : "All right, this plan is not carried out, and nothing has been done yet. Tell me once more what you want and what should be different; or change a plan where you approve it. As a scripted demo model I plan by a script, but I work through the plan that you make of it.",
  );
}

function stop(conversation: Conversation): Reply {
  const { language, recent, plan, tools } = conversation;
  const tried = recent.flatMap((turn) => turn.exchanges).filter((each) => each.name === "update_tasks");
  if (canTry(tried) && tools.has("update_tasks")) {
    const ids = openTasks(plan).map((task) => task.id);
    return say("", [call("update_tasks", { task_ids: ids, status: "cancelled" })]);
  }
  return say(
    language === "zh" ? "我停下了，但剩下的任务没能取消。" : "I stopped, but the open tasks could not be cancelled.",
  );
}

function giveUp({ language }: Conversation): Reply {
  return say(
    language === "zh"
      ? `已经走了 ${MAX_STEPS} 步还没有做完，我在这里停下。我是脚本化演示模型。`
      : `After ${MAX_STEPS} steps this is still not done, so I stop here. I am a scripted demo model.`,
  );
}
