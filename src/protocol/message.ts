// Messages: the rows of a thread. A row that a model reads has an OpenAI chat message as its content.
import { z } from "zod";
import type { PlanContent } from "./plan/task.ts";
import type { Run } from "./run.ts";

export const messageTypes = ["user", "assistant", "tool", "task_list", "summary", "status"] as const;
export type MessageType = (typeof messageTypes)[number];

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

/** A part of a person's message, in the format of OpenAI's chat completions. */
const contentPart = z.union([
  z.strictObject({ type: z.literal("text"), text: wellFormed }),
  z.strictObject({
    type: z.literal("image_url"),
    image_url: z.strictObject({
      url: wellFormed.describe(
        "A public http or https address without a user or password, or a `data:` address. A server with `IMAGE_URLS=data` takes the latter alone. Others are `invalid_field`.",
      ),
      detail: z.enum(["auto", "low", "high"]).optional(),
    }),
  }),
]);
export type ContentPart = z.infer<typeof contentPart>;
export type SentImage = Extract<ContentPart, { type: "image_url" }>["image_url"];

/** What a person writes: text or parts. Emptiness is checked elsewhere, since it has a problem code of its own. */
export const userContent = z.union([wellFormed, z.array(contentPart).max(100)]);
export type UserContent = z.infer<typeof userContent>;

export interface ToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

export interface UserMessage {
  role: "user";
  content: UserContent;
}
export interface AssistantMessage {
  role: "assistant";
  content: string | null;
  tool_calls?: ToolCall[];
}
export interface ToolMessage {
  role: "tool";
  tool_call_id: string;
  content: string;
}
export interface SystemMessage {
  role: "system";
  content: string;
}
export type ChatMessage = UserMessage | AssistantMessage | ToolMessage | SystemMessage;

/** Why a run did not complete. */
export interface StatusContent extends Pick<Run, "status" | "error"> {
  unfinished_tasks: number;
}

/** What the content of a row is, by its type. A summary stands for older rows in what a model reads. */
interface MessageContents {
  user: UserMessage;
  assistant: AssistantMessage;
  tool: ToolMessage;
  task_list: PlanContent;
  summary: UserMessage;
  status: StatusContent;
}
export type MessageBody = { [Type in MessageType]: { type: Type; content: MessageContents[Type] } }[MessageType];

/** A row of `messages`, as `GET …/messages` returns it. `seq` is its position in the thread and never changes. */
export type MessageRow = MessageBody & {
  message_id: string;
  thread_id: string;
  project_id: string;
  user_id: string;
  invocation_id: string | null;
  agent_id: string | null;
  is_llm_message: boolean;
  metadata: Record<string, unknown>;
  seq: number;
  created_at: string;
  /** The run that was started in its place, and when. Absent for a message of the conversation as it is. */
  superseded_by?: string;
  superseded_at?: string;
};

/** Whether a person's message is empty: no image, and no text but white space. */
export function isEmptyContent(content: UserContent): boolean {
  if (typeof content === "string") return content.trim() === "";
  return content.every((part) => part.type === "text" && part.text.trim() === "");
}

/** The images of a person's message. */
export function imagesOf(content: UserContent): SentImage[] {
  return typeof content === "string" ? [] : content.flatMap((part) => (part.type === "text" ? [] : [part.image_url]));
}

/** The text of a person's message, without its images. */
export function textOf(content: UserContent): string {
  if (typeof content === "string") return content;
  return content
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}
