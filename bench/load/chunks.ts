// What the bench's models send: chunks of chat completions, as long as a provider's.

// A provider's chunk has 200 to 300 bytes, and parsing them is part of what is measured.
const head = {
  id: "chatcmpl-BenchBenchBenchBenchBench",
  object: "chat.completion.chunk",
  created: 1_790_000_000,
  model: "bench",
  system_fingerprint: "fp_bench",
};

export function chunk(delta: object, finish_reason: string | null = null, more: object = {}): Buffer {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
  return Buffer.from(`data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`);
}

export const opening = chunk({ role: "assistant", content: "" });
export const token = chunk({ content: " tok" });
export const stop = chunk({}, "stop");

const usage = { prompt_tokens: 1000, completion_tokens: 50, total_tokens: 1050 };

/** What follows the finish reason. */
export const closing = Buffer.concat([chunk({}, null, { choices: [], usage }), Buffer.from("data: [DONE]\n\n")]);

/** A whole call, with its finish reason. Alternates two harmless tools: the same call three times would be stopped. */
export function toolCall(id: string, step: number): Buffer[] {
  const [name, args] = step % 2 === 0 ? ["view_tasks", "{}"] : ["update_tasks", `{"task_ids":["step-${step}"]}`];
  return callOf(id, String(name), String(args));
}

export function callOf(id: string, name: string, args: string): Buffer[] {
  const call = { index: 0, id, type: "function", function: { name, arguments: "" } };
  return [
    chunk({ tool_calls: [call] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: args } }] }),
    chunk({}, "tool_calls"),
  ];
}
