// The first model call of a run, before its request is made: its reservation is stored with the run's start.

import { replyTokens } from "../../agent/context/budget.ts";
import { estimateMessages, estimateText } from "../../agent/context/tokens.ts";
import type { PlannedCall } from "../../agent/spending.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** Our system prompt and the descriptions of all our tools are 6,500 tokens by our estimate, a reminder is up to 2,000. */
const FIXED_TOKENS = 9_000;
/** What a message, its frame and what the server tells in front of it may take beside its text. */
const TOLD_TOKENS = 1_500;
/** A provider's count of what was never measured. */
const MARGIN = 1.5;

interface FirstCall {
  model: string;
  config: Pick<AgentConfig, "instructions" | "model_options">;
  context_tokens: number;
  input: RunInput | null;
  /** The tokens of the thread's last request and reply at most; null if there was none. */
  before: number | null;
}

/** As large as it may be by what is known; a call that turns out larger is reserved anew. */
export function planFirst({ model, config, context_tokens, input, before }: FirstCall): PlannedCall {
  const said = (input?.messages ?? []).map(({ content }) => ({ role: "user" as const, content }));
  const results = (input?.tool_results ?? []).reduce((sum, { content }) => sum + estimateText(content), 0);
  const added = (estimateMessages(said) + results + TOLD_TOKENS) * MARGIN;
  const known = before ?? (FIXED_TOKENS + estimateText(config.instructions)) * MARGIN;
  return {
    model,
    input_tokens: Math.min(Math.ceil(known + added), context_tokens),
    output_tokens: config.model_options.max_output_tokens ?? replyTokens(context_tokens),
  };
}
