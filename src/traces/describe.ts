// What the spans of runs and of calls of models say, by the conventions for generative AI. Names that they lack begin with
// `taskloom.`.
import type { ModelOutcome, ModelRequest } from "../agent/model.ts";
import type { Run, Usage } from "../protocol/run.ts";
import type { Content } from "./content.ts";
import type { Attributes } from "./span.ts";

export function describeRequest({ temperature, max_output_tokens, options }: ModelRequest): Attributes {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.stream": true,
    "gen_ai.request.temperature": temperature ?? undefined,
    "gen_ai.request.max_tokens": options?.max_output_tokens ?? max_output_tokens,
    "gen_ai.request.reasoning.level": options?.reasoning_effort,
  };
}

export function describeOutcome(outcome: ModelOutcome, content: Content | null): Attributes {
  if (outcome.kind === "failure") return { "gen_ai.response.finish_reasons": ["error"] };
  const { reply } = outcome;
  return {
    "gen_ai.response.finish_reasons": [outcome.kind === "reply" ? reply.finish : "error"],
    ...(reply.usage === null ? {} : describeUsage(reply.usage)),
    ...(content === null ? {} : { "gen_ai.output.messages": content.output(reply) }),
  };
}

/** The input includes what came from a cache, as the conventions have it. No convention has money. */
function describeUsage(usage: Usage): Attributes {
  return {
    "gen_ai.usage.input_tokens": usage.input_tokens,
    "gen_ai.usage.output_tokens": usage.output_tokens,
    "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens || undefined,
    "taskloom.usage.cost_usd": usage.cost_usd ?? undefined,
  };
}

export function errorOf(outcome: ModelOutcome): string | null {
  if (outcome.kind === "reply") return null;
  return outcome.kind === "aborted" ? "cancelled" : (outcome.failure.reason ?? outcome.failure.code);
}

export function describeRun(run: Run): Attributes {
  return {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.id": run.agent_id,
    "gen_ai.agent.name": run.agent_id,
    "gen_ai.agent.version": String(run.agent_version),
    "gen_ai.conversation.id": run.thread_id,
    "taskloom.run.id": run.invocation_id,
    "taskloom.run.status": run.status,
    "taskloom.run.steps": run.steps,
    "taskloom.run.attempt": run.attempt,
    "taskloom.run.resumes": run.resumes ?? undefined,
    "taskloom.project.id": run.project_id,
    "user.id": run.user_id,
    ...describeUsage(run.usage),
    "error.type": run.error === null ? undefined : (run.error.reason ?? run.error.code),
  };
}
