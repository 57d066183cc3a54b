// The server describes the environment in front of a person's message and behind a tool's result. The script decides by
// what the person and the tool said.
import type { Message } from "./wire.ts";

const inFront = /^(?:<environment>[\s\S]*?<\/environment>(?:\n\n)?)+/;
const behind = /\n<environment>\n[\s\S]*$/;

export function withoutEnvironment(message: Message): Message {
  return { ...message, text: cutEnvironment(message.role, message.text) };
}

/** What a person or a tool said in a message of that role. */
export function cutEnvironment(role: string, text: string): string {
  if (role === "user") return text.replace(inFront, "");
  return role === "tool" ? text.replace(behind, "") : text;
}
