// The first model call of a run, before its request is made: its reservation is stored with the run's start.
import { replyTokens } from "../../agent/context/budget.ts";
import { estimateMessages, estimateText } from "../../agent/context/tokens.ts";
import type { PlannedCall } from "../../agent/spending.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** Our system prompt and the descriptions of all our tools are 6,500 tokens by our estimate. */
const FIXED_TOKENS = 7_000;
/** A reminder, and what the server tells in front of a message. */
const TOLD_TOKENS = 3_500;
/** A provider's count of what was never measured, and of what it has counted before. */
const UNMEASURED_MARGIN = 1.5;
const MEASURED_MARGIN = 1.1;

interface FirstCall {
  model: string;
  agent: Pick<AgentConfig, "instructions" | "model_options" | "tool_format">;
  context_tokens: number;
  /** The thread's last request and reply; null if there was none. */
  counted: number | null;
  /** What has come to the conversation since, by our estimate. */
  tokens: number;
}

/** As large as it may be by what is known; a call that turns out larger is reserved anew. */
export function planFirstCall({ model, agent, context_tokens, counted, tokens }: FirstCall): PlannedCall {
  const fixed = FIXED_TOKENS + estimateText(agent.instructions);
  const before = counted === null ? fixed * UNMEASURED_MARGIN : counted * MEASURED_MARGIN;
  const added = (tokens + TOLD_TOKENS) * UNMEASURED_MARGIN;
  return {
    model,
    input_tokens: Math.min(Math.ceil(before + added), context_tokens),
    output_tokens: agent.model_options.max_output_tokens ?? replyTokens(context_tokens),
  };
}

/** What an input adds to the conversation, by our estimate. */
export function estimateInput(input: RunInput | null): number {
  const said = (input?.messages ?? []).map(({ content }) => ({ role: "user" as const, content }));
  const results = (input?.tool_results ?? []).reduce((sum, { content }) => sum + estimateText(content), 0);
  return estimateMessages(said) + results;
}
