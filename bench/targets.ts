// The measured targets, and the request that starts a turn on each.

export const targetNames = ["direct", "pass-through", "loop", "taskloom"] as const;

/** `direct` is the model itself: the cost of the others is the difference to it. */
export type TargetName = (typeof targetNames)[number];

export interface Target {
  name: TargetName;
  url: string;
}

export const API_KEY = "key-of-the-bench";

export interface RowCounts {
  object_rows: number;
  object_writes: number;
  database_rows: number;
  database_calls: number;
}

export interface TurnRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export function turnOf(target: TargetName, thread: string, text: string): TurnRequest {
  const headers = { "content-type": "application/json" };
  if (target === "taskloom") {
    return {
      path: `/v1/threads/${thread}/runs`,
      headers: { ...headers, accept: "text/event-stream", authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ message: text }),
    };
  }
  if (target === "loop") {
    return { path: `/?thread=${thread}`, headers, body: JSON.stringify({ message: text }) };
  }
  const body = { model: "bench", stream: true, messages: [{ role: "user", content: text }] };
  const path = target === "direct" ? "/v1/chat/completions" : `/?thread=${thread}`;
  return { path, headers, body: JSON.stringify(body) };
}

/** The text that a stream contains once per token, and the text that ends a complete stream. */
export function marksOf(target: TargetName): { token: string; end: string } {
  if (target === "taskloom") return { token: '"delta":"', end: "RUN_FINISHED" };
  if (target === "loop") return { token: '"delta":"', end: "finished" };
  return { token: '"content":" tok', end: "[DONE]" };
}
