// The run's way to its models: each call is reserved before it is made, sent with the limit that was granted, and
// settled or given up as soon as it has ended. What happens to a call that is neither, its caller's storage decides.
import type { Usage } from "../../protocol/run.ts";
import type { Model, ModelDelta, ModelOutcome, ModelReply, ModelRequest } from "../model.ts";
import type { Allowance, CallSpending, PlannedCall } from "../spending.ts";

/** The call was not made: a cap leaves too little for it. */
export type Refused = Extract<Allowance, { kind: "refused" }>;

export interface PaidModel {
  /** As a `Model` does. A wait for the reservation ends with `signal`, too. */
  stream(
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelOutcome | Refused>;
}

const noReply: ModelReply = { text: "", reasoning: "", tool_calls: [], finish: "other", usage: null };

export function payFor(model: Model, spending: CallSpending, plan: (request: ModelRequest) => PlannedCall): PaidModel {
  return {
    async stream(request, onDelta, signal) {
      const allowance = await spending.reserve(plan(request), signal);
      if (allowance.kind === "refused") return allowance;
      if (allowance.kind === "cancelled") return { kind: "aborted", reply: noReply };
      const { call_id, max_output_tokens } = allowance;
      if (signal.aborted) {
        spending.giveUp(call_id, false);
        return { kind: "aborted", reply: noReply };
      }
      const asked = max_output_tokens === null ? request : limitReply(request, max_output_tokens);
      const outcome = await model.stream(asked, onDelta, signal);
      if (outcome.kind === "failure") spending.giveUp(call_id, outcome.failure.is_free !== true);
      else spending.settle(call_id, asCount(outcome.reply.usage));
      return outcome;
    },
  };
}

/** An agent's own limit stays if it is shorter. */
function limitReply({ options, ...request }: ModelRequest, most: number): ModelRequest {
  const max_output_tokens = Math.min(options?.max_output_tokens ?? most, most);
  return { ...request, options: { ...options, max_output_tokens }, is_limit_needed: true };
}

/** Some servers send zeros where they have not counted. */
function asCount(usage: Usage | null): Usage | null {
  return usage !== null && usage.input_tokens + usage.cached_input_tokens + usage.output_tokens > 0 ? usage : null;
}
