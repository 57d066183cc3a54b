// A reply of chat completions, built from the pieces that a server sends.
import type { ModelDelta, ModelReply } from "../../src/agent/model.ts";
import { createReplyBuilder } from "../../src/models/chat/reply/reply-builder.ts";

export function open(tool_names: string[] = [], limit = 10_000) {
  const deltas: ModelDelta[] = [];
  return { deltas, builder: createReplyBuilder((delta) => deltas.push(delta), { max_characters: limit, tool_names }) };
}

export function build(
  chunks: unknown[],
  limit = 10_000,
  tool_names: string[] = [],
): { reply: ModelReply; deltas: ModelDelta[] } {
  const { deltas, builder } = open(tool_names, limit);
  for (const chunk of chunks) builder.accept(chunk as Record<string, unknown>);
  builder.close();
  return { reply: builder.reply(), deltas };
}

export const delta = (value: unknown, finish: string | null = null) => ({
  choices: [{ index: 0, delta: value, finish_reason: finish }],
});
export const callPiece = (entry: unknown) => delta({ tool_calls: [entry] });
export const named = (reply: ModelReply) =>
  reply.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]);
