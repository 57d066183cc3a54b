// Hashes an input, so a repeat is recognized.
import { hashText, toHex } from "../../lib/hash.ts";
import type { RunInput } from "../../protocol/thread.ts";

/**
 * Covers messages, results, answers, agent, model, steps, metadata, the request's caps and what it replaces, but no other ids, since routes
 * generate those. A trigger's caps may change between a firing and its repeat, which is the same run.
 */
export async function hashInput(input: RunInput): Promise<string> {
  const { messages, tool_results, resume, agent_id, model, max_steps, metadata, caps, supersede } = input;
  const ofRequest = caps?.filter(({ scope }) => scope === "run");
  const hashed = {
    messages: messages.map(({ content }) => content),
    results: tool_results.map(({ tool_call_id, content }) => [tool_call_id, content]),
    resume,
    agent_id,
    model,
    max_steps,
    metadata,
    caps: ofRequest?.length ? ofRequest : undefined,
    supersede: supersede?.message_id,
  };
  return toHex(await hashText(JSON.stringify(hashed, sortedKeys)));
}

/** For `JSON.stringify`: the same text whatever the order of keys. */
export function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
