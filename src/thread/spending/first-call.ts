// What a run's input adds to its first model call.
import { estimateMessages, estimateText } from "../../agent/context/tokens.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** What an input adds to the conversation, by our estimate. */
export function estimateInput(input: RunInput | null): number {
  const said = (input?.messages ?? []).map(({ content }) => ({ role: "user" as const, content }));
  const results = (input?.tool_results ?? []).reduce((sum, { content }) => sum + estimateText(content), 0);
  return estimateMessages(said) + results;
}
