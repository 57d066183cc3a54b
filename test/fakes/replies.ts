// Replies of a scripted model: texts, calls, and whole replies.
import type { ModelDelta, ModelOutcome, ModelReply, ModelRequest } from "../../src/agent/model.ts";

export type Reply = (
  request: ModelRequest,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
) => Promise<ModelOutcome>;

/** A reply of text in pieces. */
export function say(...pieces: string[]): Reply {
  return async (_request, onDelta) => {
    for (const text of pieces) onDelta({ type: "text", text });
    return reply({ text: pieces.join("") });
  };
}

/** A reply that calls tools. */
export function call(...calls: { id: string; name: string; input: unknown }[]): Reply {
  return async (_request, onDelta) => {
    calls.forEach(({ id, name, input }, index) => {
      onDelta({ type: "tool_call", index, id, name });
      onDelta({ type: "tool_arguments", index, text: JSON.stringify(input) });
    });
    const tool_calls = calls.map(({ id, name, input }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
    return reply({ tool_calls, finish: "tool_calls" });
  };
}

export function reply(parts: Partial<ModelReply>): ModelOutcome {
  const usage = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5, cost_usd: null };
  return { kind: "reply", reply: { text: "", reasoning: "", tool_calls: [], finish: "stop", usage, ...parts } };
}
