// What is measured, and the request that starts a turn on each.

export const targetNames = ["direct", "pass-through", "loop", "taskloom", "ag-ui", "node", "agents"] as const;

/**
 * `direct` is the model itself: what a target adds is the difference to it. `ag-ui` is the product with its other
 * protocol. `node` and `agents` are the peers, which `--peers` adds.
 */
export type TargetName = (typeof targetNames)[number];

export const titles: Record<TargetName, string> = {
  direct: "model",
  "pass-through": "pass-through",
  loop: "loop",
  taskloom: "Taskloom",
  "ag-ui": "Taskloom, `/ag-ui`",
  node: "`ai` on Node",
  agents: "Agents SDK",
};

export const API_KEY = "key-of-the-bench";

/** What a stream has once for each token, since the model repeats " tok". */
export function tokenOf(target: TargetName): string {
  // The end of a message has its whole text again.
  return target === "taskloom" || target === "ag-ui" ? '"delta":" tok' : " tok";
}

export interface TurnRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** The request of every target that is reached over HTTP: all but `agents`. */
export function turnOf(target: TargetName, thread: string, text: string, key = API_KEY): TurnRequest {
  const headers = { "content-type": "application/json" };
  const signed = { ...headers, accept: "text/event-stream", authorization: `Bearer ${key}` };
  switch (target) {
    case "taskloom":
      return { path: `/v1/threads/${thread}/runs`, headers: signed, body: JSON.stringify({ message: text }) };
    case "ag-ui":
      return { path: "/ag-ui", headers: signed, body: JSON.stringify(agUiInput(thread, text)) };
    case "loop":
    case "node":
      return { path: `/?thread=${thread}`, headers, body: JSON.stringify({ message: text }) };
    default: {
      const body = { model: "bench", stream: true, messages: [{ role: "user", content: text }] };
      const path = target === "direct" ? "/v1/chat/completions" : `/?thread=${thread}`;
      return { path, headers, body: JSON.stringify(body) };
    }
  }
}

/** What `HttpAgent` sends. The server takes only the newest message from it. */
function agUiInput(thread: string, content: string): object {
  const rest = { state: {}, tools: [], context: [], forwardedProps: {} };
  const message = { id: crypto.randomUUID(), role: "user", content };
  return { threadId: thread, runId: crypto.randomUUID(), messages: [message], ...rest };
}

/** The text that ends a complete stream. */
export function endOf(target: TargetName): string {
  switch (target) {
    case "taskloom":
    case "ag-ui":
      return "RUN_FINISHED";
    case "loop":
      return "finished";
    default:
      return "[DONE]";
  }
}
