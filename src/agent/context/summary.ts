// What stands for the older part of a conversation: a message made of the person's own words, the plan, and a text that a
// model wrote. The words are kept by code, since a summary that loses a constraint can't be noticed by who reads it.
import type { ChatMessage, UserContent, UserMessage } from "../../protocol/message.ts";
import { textOf } from "../../protocol/message.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { quote } from "../plan/text.ts";
import { tasksInOrder } from "../plan/view.ts";
import type { Shares } from "./compaction.ts";
import { cutToTokens, describeCut } from "./shortening.ts";
import { estimateText } from "./tokens.ts";

export interface Summary {
  /** As a model is told it. */
  message: UserMessage;
  /** What was written of the older part; the next summary begins with it. */
  text: string;
  /** What the person wrote in it, oldest first: more than `message` holds where there is little room. */
  said: string[];
  /** How many of the person's messages are missing behind the first of `said`. */
  omitted: number;
  /** The last text of the model in it: the result of a run that ends without saying anything. */
  last_text: string;
  /** So many rows were kept word for word, and each takes at most so many tokens in the prompt. */
  kept: number;
  message_limit: number;
}

/** One message of several is never more of what is kept than this, so that a pasted file does not drive out the others. */
const ONE_MESSAGE_SHARE = 0.4;
const MESSAGE_FRAME_TOKENS = 12;

/**
 * What the person said in these messages: their own, and what they answered to questions and approvals. `answers` tells where
 * in a result their words begin, by call id: a result itself can't, since a tool may return anything.
 */
export function collectSaid(messages: readonly ChatMessage[], answers: ReadonlyMap<string, number>): string[] {
  const said = messages.map((message) => {
    if (message.role === "user") return describeContent(message.content);
    const from = message.role === "tool" ? answers.get(message.tool_call_id) : undefined;
    return from === undefined ? "" : String(message.content).slice(from);
  });
  return said.filter((text) => text.trim() !== "");
}

function describeContent(content: UserContent): string {
  if (typeof content === "string") return content;
  const images = content.filter((part) => part.type === "image_url").length;
  const note =
    images === 0 ? "" : `\n[with ${images === 1 ? "an image" : `${images} images`} that can't be seen any more]`;
  return textOf(content) + note;
}

/** The first message says what it is all about, the newest what holds now: those between give way. */
export function keepSaid(
  { said, omitted }: Pick<Summary, "said" | "omitted">,
  most_tokens: number,
): Pick<Summary, "said" | "omitted"> {
  const room = most_tokens - MESSAGE_FRAME_TOKENS;
  const one = Math.max(1, said.length === 1 ? room : Math.floor(room * ONE_MESSAGE_SHARE));
  const texts = said.map((text) => cutToTokens(text, one, describeCut));
  const sizes = texts.map((text) => estimateText(text) + MESSAGE_FRAME_TOKENS);
  let left = most_tokens - (sizes[0] ?? 0);
  let from = texts.length;
  while (from > 1 && left >= (sizes[from - 1] ?? 0)) {
    from -= 1;
    left -= sizes[from] ?? 0;
  }
  if (from <= 1) return { said: texts, omitted };
  return { said: [...texts.slice(0, 1), ...texts.slice(from)], omitted: omitted + from - 1 };
}

/** The message, whose form the system prompt explains. Nothing that is quoted in it can end it. */
export function composeSummary(
  { said, omitted, text }: Pick<Summary, "said" | "omitted" | "text">,
  plan: Plan,
  shares: Shares,
): UserMessage {
  const [first, ...others] = said.map((each) => `<person_message>\n${escapeTags(each)}\n</person_message>`);
  const gap = omitted === 0 ? [] : [`[${omitted} messages of the person are left out here; the summary tells of them]`];
  const tasks = listTasks(plan, shares.plan);
  const content = [
    "<conversation_summary>",
    "The older part of this conversation was taken out, since it no longer fits. What follows stands for it; the newest part comes after it, word for word.",
    ...(first === undefined
      ? []
      : ["\n# What the person wrote, word for word, oldest first\n", first, ...gap, ...others]),
    ...(tasks === null ? [] : ["\n# The task list when this was written\n", tasks]),
    "\n# What happened\n",
    escapeTags(text),
    "</conversation_summary>",
  ].join("\n");
  return { role: "user", content };
}

/** Tags that mean something in a prompt of ours are none in what is quoted. */
function escapeTags(text: string): string {
  return text.replace(/<(?=\/?(?:conversation_summary|person_message|plan_reminder|reminder)\b)/gi, "&lt;");
}

function listTasks(plan: Plan, most_tokens: number): string | null {
  if (plan.tasks.length === 0) return null;
  const tasks = tasksInOrder(plan);
  const isOpen = ({ status }: Task) => status === "pending" || status === "in_progress";
  const line = (task: Task) => `- ${task.id} [${task.status}] ${escapeTags(quote(task.content))}`;
  const whole = tasks.map(line).join("\n");
  if (estimateText(whole) <= most_tokens) return whole;
  const ended = tasks.filter((task) => !isOpen(task)).length;
  const lines = tasks.filter(isOpen).map(line);
  const head = [`- ${ended} tasks have ended; view_tasks shows the whole list`];
  let left = most_tokens - estimateText(head.join());
  const fits = lines.findIndex((text) => {
    left -= estimateText(text) + 1;
    return left < 0;
  });
  if (fits < 0) return [...head, ...lines].join("\n");
  return [...head, ...lines.slice(0, fits), `- and ${lines.length - fits} more that are open`].join("\n");
}
