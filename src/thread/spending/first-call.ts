// What a run's input adds to its first model call.
import { estimateMessages, estimateText, separateImages } from "../../agent/context/tokens.ts";
import type { SentImage } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** What an input adds to the conversation, by our estimate, and its images, which are not in that. */
export function estimateInput(input: RunInput | null): { tokens: number; images: SentImage[] } {
  const said = (input?.messages ?? []).map(({ content }) => ({ role: "user" as const, content }));
  const results = (input?.tool_results ?? []).reduce((sum, { content }) => sum + estimateText(content), 0);
  const { images, tokens } = separateImages(said);
  return { tokens: estimateMessages(said) - tokens + results, images };
}
