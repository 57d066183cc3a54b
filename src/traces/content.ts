// What people, models and tools said, in the JSON of OpenTelemetry's conventions. Only where a setting asks for it. Each
// text is bounded, and no secret of the settings is in it: the server never sends one to a model, and this would be the
// place where a mistake elsewhere becomes public.
import type { ModelMessage, ModelReply } from "../agent/model.ts";
import { cutMiddle } from "../lib/truncate.ts";
import { hideSecrets } from "../models/index.ts";

/** A span with all its content stays below what collectors take of an attribute (64 KiB). */
const MAX_ALL = 16_000;
const MAX_ONE = 4_000;

const describeOmitted = (omitted: number) => `[… ${omitted} characters …]`;
const cut = (text: string) => cutMiddle(text, MAX_ONE, describeOmitted);

interface Part {
  type: string;
  [field: string]: unknown;
}

export interface Content {
  /** The newest messages that fit, without the system prompt. */
  input(messages: readonly ModelMessage[]): string;
  output(reply: ModelReply): string;
  text(value: string): string;
}

export function createContent(secrets: readonly string[]): Content {
  /** What a secret takes at most, written as `%2B` or `\\u002b`. */
  const margin = 6 * secrets.reduce((longest, { length }) => Math.max(longest, length), 0);
  const half = MAX_ONE / 2;

  /** Both ends are searched for secrets beyond what is shown of them: a secret at the cut would be shown in part. */
  function show(value: string): string {
    if (value.length <= MAX_ONE + 2 * margin) return cut(hideSecrets(value, secrets));
    const start = hideSecrets(value.slice(0, half + margin), secrets);
    const end = hideSecrets(value.slice(-half - margin), secrets);
    // At their inner ends is what a secret may begin or end in.
    const head = start.slice(0, Math.max(0, Math.min(half, start.length - margin)));
    const tail = end.slice(Math.max(margin, end.length - half));
    return head + describeOmitted(value.length - head.length - tail.length) + tail;
  }

  const calls = (list: readonly { id: string; function: { name: string; arguments: string } }[] = []): Part[] =>
    list.map(({ id, function: called }) => ({
      ...{ type: "tool_call", id, name: called.name },
      arguments: show(called.arguments),
    }));
  const texts = (text: string | null): Part[] => (text ? [{ type: "text", content: show(text) }] : []);

  function partsOf(message: ModelMessage): Part[] {
    if (message.role === "tool") {
      return [{ type: "tool_call_response", id: message.tool_call_id, response: show(message.content) }];
    }
    if (message.role === "assistant") return [...texts(message.content), ...calls(message.tool_calls)];
    if (typeof message.content === "string") return texts(message.content);
    // An image is its address at most, and that of a `data:` address all of it.
    return message.content.flatMap((part) => (part.type === "text" ? texts(part.text) : [{ type: "image" }]));
  }

  return {
    input(messages) {
      const shown: string[] = [];
      let left = MAX_ALL;
      for (const message of messages.toReversed()) {
        if (message.role === "system") continue;
        const text = JSON.stringify({ role: message.role, parts: partsOf(message) });
        left -= text.length;
        if (left < 0) break;
        shown.unshift(text);
      }
      return `[${shown.join(",")}]`;
    },
    output({ text, tool_calls, finish }) {
      const few = tool_calls.slice(0, 3);
      return JSON.stringify([{ role: "assistant", parts: [...texts(text), ...calls(few)], finish_reason: finish }]);
    },
    text: show,
  };
}
