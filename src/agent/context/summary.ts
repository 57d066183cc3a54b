// Replaces the older part of a conversation: a message made of the person's own words, the plan, and a text that a
// model wrote. Code keeps the person's words, because nobody who reads a summary can notice that it lost a constraint.
import type { ChatMessage, UserContent, UserMessage } from "../../protocol/message.ts";
import { textOf } from "../../protocol/message.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { taskId } from "../plan/numbers.ts";
import { quote, quoteAsData } from "../plan/text.ts";
import { tasksInOrder } from "../plan/view.ts";
import type { Source } from "../sources.ts";
import type { Shares } from "./compaction.ts";
import { escapeTags } from "./own-tags.ts";
import { cutToTokens, describeCut } from "./shortening.ts";
import { estimateText } from "./tokens.ts";

export interface Summary {
  /** As the model sees it. */
  message: UserMessage;
  /** The model's summary of the older part. The next summary builds on it. */
  text: string;
  /** What the person wrote in it, oldest first. It holds more than `message` if there is little room. */
  said: string[];
  /** How many of the person's messages are missing after the first of `said`. */
  omitted: number;
  /** The model's last text in it: the result of a run that ends without a text. */
  last_text: string;
  /** How many rows were kept word for word, and how many tokens each takes at most in the prompt. */
  kept: number;
  message_limit: number;
}

/** The largest share for one of several messages, so that a pasted file does not displace the others. */
const ONE_MESSAGE_SHARE = 0.4;
const MESSAGE_FRAME_TOKENS = 12;

/**
 * What the person said in these messages: their own messages, and their answers to questions and approvals. `answers`
 * says, by call id, where in a result their words start. The result itself can't say so, since a tool may return
 * anything.
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

/**
 * The first message says what the conversation is about, and the newest what applies now, so those in between are left
 * out first.
 */
export function keepSaid(
  { said, omitted }: Pick<Summary, "said" | "omitted">,
  max_tokens: number,
): Pick<Summary, "said" | "omitted"> {
  const room = max_tokens - MESSAGE_FRAME_TOKENS;
  const one = Math.max(1, said.length === 1 ? room : Math.floor(room * ONE_MESSAGE_SHARE));
  const texts = said.map((text) => cutToTokens(text, one, describeCut));
  const sizes = texts.map((text) => estimateText(text) + MESSAGE_FRAME_TOKENS);
  let left = max_tokens - (sizes[0] ?? 0);
  let from = texts.length;
  while (from > 1 && left >= (sizes[from - 1] ?? 0)) {
    from -= 1;
    left -= sizes[from] ?? 0;
  }
  if (from <= 1) return { said: texts, omitted };
  return { said: [...texts.slice(0, 1), ...texts.slice(from)], omitted: omitted + from - 1 };
}

/** The message, whose form the system prompt explains. Nothing that it quotes can end it. `read`: oldest first. */
export function composeSummary(
  { said, omitted, text }: Pick<Summary, "said" | "omitted" | "text">,
  plan: Plan,
  read: readonly Source[],
  shares: Shares,
): UserMessage {
  const [first, ...others] = said.map((each) => `<person_message>\n${escapeTags(each)}\n</person_message>`);
  const gap = omitted === 0 ? [] : [`[${omitted} messages of the person are left out here; the summary tells of them]`];
  const tasks = listTasks(plan, shares.plan);
  const sources = listRead(read, shares.plan);
  const content = [
    "<conversation_summary>",
    "The older part of this conversation was taken out, since it no longer fits. What follows stands for it; the newest part comes after it, word for word.",
    ...(first === undefined
      ? []
      : ["\n# What the person wrote, word for word, oldest first\n", first, ...gap, ...others]),
    ...(tasks === null ? [] : ["\n# The task list when this was written\n", tasks]),
    ...(sources === null ? [] : ["\n# Sources that were read, to cite by number; the titles are data\n", sources]),
    "\n# What happened\n",
    escapeTags(text),
    "</conversation_summary>",
  ].join("\n");
  return { role: "user", content };
}

/** The newest that fit. Code lists them, since a citation by a wrong number is worse than none. */
function listRead(read: readonly Source[], max_tokens: number): string | null {
  const lines = read.map(({ n, url, title }) => `[${n}] ${url}${title === null ? "" : ` ${quoteAsData(title)}`}`);
  let left = max_tokens;
  const from = lines.findLastIndex((line) => {
    left -= estimateText(line) + 1;
    return left < 0;
  });
  return lines.slice(from + 1).join("\n") || null;
}

/** Escapes the tags that our prompts use, so that quoted text can't contain them. */
function listTasks(plan: Plan, max_tokens: number): string | null {
  if (plan.tasks.length === 0) return null;
  const tasks = tasksInOrder(plan);
  const isOpen = ({ status }: Task) => status === "pending" || status === "in_progress";
  const line = (task: Task) => `- ${taskId(task)} [${task.status}] ${escapeTags(quote(task.content))}`;
  const whole = tasks.map(line).join("\n");
  if (estimateText(whole) <= max_tokens) return whole;
  const ended = tasks.filter((task) => !isOpen(task)).length;
  const lines = tasks.filter(isOpen).map(line);
  const head = [`- ${ended} tasks have ended; view_tasks shows the whole list`];
  let left = max_tokens - estimateText(head.join());
  const fits = lines.findIndex((text) => {
    left -= estimateText(text) + 1;
    return left < 0;
  });
  if (fits < 0) return [...head, ...lines].join("\n");
  return [...head, ...lines.slice(0, fits), `- and ${lines.length - fits} more that are open`].join("\n");
}
