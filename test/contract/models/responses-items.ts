// Items of the Responses API as messages of chat completions, so that scripts and common rules read both.
import { textOf, type WireItem, type WireMessage } from "./wire.ts";

export function readItems(items: WireItem[]): WireMessage[] {
  const messages: WireMessage[] = [];
  for (const item of items) {
    if (item.type === "function_call_output") {
      messages.push({ role: "tool", tool_call_id: String(item.call_id), content: item.output });
    } else if (isOfReply(item)) addToReply(messages, item);
    else messages.push({ role: String(item.role), content: item.content });
  }
  return messages;
}

export function isOfReply({ type, role }: WireItem): boolean {
  return type === "reasoning" || type === "function_call" || role === "assistant";
}

/** Items of a reply follow each other. */
function addToReply(messages: WireMessage[], item: WireItem): void {
  let reply = messages.at(-1);
  if (reply?.role !== "assistant") {
    reply = { role: "assistant", content: "" };
    messages.push(reply);
  }
  if (item.type === "function_call") {
    const { call_id, name, arguments: written } = item;
    const call = {
      id: String(call_id),
      type: "function",
      function: { name: String(name), arguments: String(written) },
    };
    reply.tool_calls = [...(reply.tool_calls ?? []), call];
  } else if (item.role === "assistant") {
    reply.content = [reply.content, textOf(item as unknown as WireMessage)].filter(Boolean).join("\n\n");
  }
}
