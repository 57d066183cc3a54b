// What a message shows, as text: for tests to compare, and for a person in a terminal.
import { blocksOf } from "./interactions.ts";
import type { Json } from "./json.ts";
import type { Channel, Message } from "./store.ts";

const marks: Record<string, string> = { pending: "[ ]", in_progress: "[~]", complete: "[x]", error: "[!]" };

/** The text that people read. For a stream, exactly what was appended, in order. */
export function renderMessage(message: Message, withControls = true): string {
  const { stream } = message;
  const lines: string[] = [];
  if (stream) {
    if (stream.planTitle !== "") lines.push(`# ${stream.planTitle}`);
    for (const task of stream.tasks.values()) {
      lines.push(`${marks[task.status]} ${task.title}`);
      for (const text of [task.details, task.output]) if (text !== "") lines.push(`    ${text}`);
    }
  }
  // A posted message's blocks replace its text, which is for notifications.
  if (stream || !message.blocks) lines.push(message.text);
  for (const block of blocksOf(message)) if (withControls || block.type !== "actions") lines.push(renderBlock(block));
  return lines.filter((line) => line !== "").join("\n");
}

function renderBlock(block: Json): string {
  switch (block.type) {
    case "divider":
      return "---";
    case "actions":
      return ((block.elements as Json[]) ?? []).map(renderElement).join(" ");
    case "context":
      return ((block.elements as Json[]) ?? []).map(readText).join(" ");
    case "input":
      return `${readText(block.label)}: ${renderElement(block.element as Json)}`;
    case "image":
      return `(${String(block.alt_text)})`;
    default: {
      const fields = ((block.fields as Json[] | undefined) ?? []).map(readText);
      const accessory = block.accessory ? [renderElement(block.accessory as Json)] : [];
      return [readText(block.text), ...fields, ...accessory].filter((part) => part !== "").join("\n");
    }
  }
}

function renderElement(element: Json): string {
  const options = (element.options as Json[] | undefined)?.map(({ text }) => readText(text)) ?? [];
  const words = [readText(element.text ?? element.placeholder), ...options].filter((word) => word !== "");
  return `[${words.join(" | ") || String(element.type)}]`;
}

function readText(value: unknown): string {
  if (typeof value === "string") return value;
  const text = (value as Json | undefined)?.text;
  return typeof text === "string" ? text : "";
}

/** A channel with its threads, replies indented. */
export function renderChannel(channel: Channel, nameOf: (user: string) => string): string {
  const write = (message: Message, indent: string): string => {
    const state = message.stream?.state === "streaming" ? " (writing)" : "";
    const [first = "", ...rest] = renderMessage(message).split("\n");
    const lines = [`${message.ts} ${nameOf(message.user)}${state}: ${first}`, ...rest.map((line) => `    ${line}`)];
    return lines.map((line) => indent + line).join("\n");
  };
  const roots = channel.messages.filter(({ thread_ts }) => thread_ts === undefined);
  const text = roots.flatMap((root) => [
    write(root, ""),
    ...channel.messages.filter(({ thread_ts }) => thread_ts === root.ts).map((reply) => write(reply, "  > ")),
  ]);
  const seen = channel.ephemerals.map(
    (one) => `${one.ts} only ${nameOf(one.user)} sees: ${one.text || (one.blocks ?? []).map(renderBlock).join("\n")}`,
  );
  return [...text, ...seen].join("\n");
}
