// Replies that a provider has counted, and a thread whose model gives them: for tests of what runs spend.
import { z } from "zod";
import { defineTool } from "../../src/agent/tool.ts";
import type { Run, Usage } from "../../src/protocol/run.ts";
import { findRun } from "../../src/thread/life.ts";
import { call, type Reply, reply } from "./replies.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

const look = defineTool({
  name: "look",
  description: "Looks.",
  kind: "work",
  schema: z.strictObject({}),
  read_only: true,
  recovery: "repeat",
  time_limit_ms: 60_000,
  execute: async () => ({ content: "seen", is_error: false, details: {} }),
});

export function counted(more: Partial<Usage> = {}): Usage {
  return { input_tokens: 1_000, cached_input_tokens: 0, output_tokens: 500, cost_usd: null, ...more };
}

/** Calls `look`, and its provider counts. */
export function looks(id: string, usage: Usage | null = counted()): Reply {
  return async (request, onDelta, signal) => {
    const outcome = await call({ id, name: "look", input: {} })(request, onDelta, signal);
    return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage } } : outcome;
  };
}

export function says(text: string, usage: Usage | null = counted()): Reply {
  return async (_request, onDelta) => {
    onDelta({ type: "text", text });
    return reply({ text, usage });
  };
}

export function runOf(thread: FakeThread, id = "inv_a"): Run {
  const found = findRun(thread.life, id);
  if (found === null) throw new Error("there is no such run");
  return found.run;
}

export function cappedThread(replies: Reply[], options: FakeThreadOptions = {}): FakeThread {
  return new FakeThread({ replies, tools: [look], ...options });
}
