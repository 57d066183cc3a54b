// Events of the Responses API, written freely, and what a reply builder makes of them.
import type { ModelDelta, ModelReply } from "../../src/agent/model.ts";
import { plainProfile } from "../../src/models/profiles/profile.ts";
import { createReplyBuilder } from "../../src/models/responses/reply/reply-builder.ts";
import { streamEvents } from "../contract/models/responses-streams.ts";
import type { PlannedReply, WireRequest } from "../contract/models/wire.ts";

export type Event = Record<string, unknown>;

export function build(events: Event[], max_characters = 100_000) {
  const deltas: ModelDelta[] = [];
  const builder = createReplyBuilder((delta) => deltas.push(delta), { max_characters });
  for (const event of events) builder.accept(event);
  builder.close();
  return { builder, deltas, reply: builder.reply(), extras: builder.extras(plainProfile, "here")?.values.output };
}

/** What the deltas add up to. */
export function sum(deltas: ModelDelta[]): Pick<ModelReply, "text" | "reasoning" | "tool_calls"> {
  const added = { text: "", reasoning: "", tool_calls: [] as ModelReply["tool_calls"] };
  for (const delta of deltas) {
    if (delta.type === "text" || delta.type === "reasoning") added[delta.type] += delta.text;
    else if (delta.type === "tool_call") {
      added.tool_calls[delta.index] = { id: delta.id, type: "function", function: { name: delta.name, arguments: "" } };
    } else {
      const call = added.tool_calls[delta.index];
      if (call) call.function.arguments += delta.text;
    }
  }
  return added;
}

export const text = (delta: string, output_index?: number, more: Event = {}): Event => ({
  type: "response.output_text.delta",
  delta,
  ...(output_index === undefined ? {} : { output_index }),
  ...more,
});
export const call = (call_id: string, more: Event = {}): Event => ({
  type: "function_call",
  call_id,
  name: "f",
  ...more,
});
export const added = (item: Event, output_index?: number): Event => ({
  type: "response.output_item.added",
  item,
  ...(output_index === undefined ? {} : { output_index }),
});
export const done = (item: Event, output_index?: number): Event => ({
  ...added(item, output_index),
  type: "response.output_item.done",
});
export const args = (delta: string, output_index?: number, item_id?: string): Event => ({
  type: "response.function_call_arguments.delta",
  delta,
  output_index,
  item_id,
});
export const completed = (output: Event[] = [], more: Event = {}): Event => ({
  type: "response.completed",
  response: { status: "completed", output, ...more },
});
export const message = (said: string, more: Event = {}): Event => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: said }],
  ...more,
});
export const reasoning = (id: string, encrypted_content: string | null = "gAAA", more: Event = {}): Event => ({
  type: "reasoning",
  id,
  summary: [],
  ...(encrypted_content === null ? {} : { encrypted_content }),
  ...more,
});
export const callsOf = ({ tool_calls }: ModelReply) =>
  tool_calls.map(({ id, function: { name, arguments: written } }) => [id, name, written]);

const request = { body: { model: "m" } } as unknown as WireRequest;
export const planned: PlannedReply = {
  reasoning: "Both files.",
  text: "I read both files.",
  calls: [
    { name: "read", arguments: { path: "a" } },
    { name: "read", arguments: { path: "b" } },
  ],
  usage: { input: 120, output: 40, cached: 64 },
};
export const typical = (plan: PlannedReply = planned): Event[] =>
  streamEvents(plan, 0, request, { encrypt: (id) => `gAAA.${id}`, phases: true }).chunks as Event[];
