// The server tells the environment in front of a person's message and behind a tool's result. The script decides by
// what the person and the tool said.
import type { Message } from "./wire.ts";

export function withoutEnvironment(message: Message): Message {
  if (message.role === "user")
    return { ...message, text: message.text.replace(/^(?:<environment>[\s\S]*?<\/environment>\s*)+/, "") };
  if (message.role === "tool") return { ...message, text: message.text.replace(/\n<environment>\n[\s\S]*$/, "") };
  return message;
}
