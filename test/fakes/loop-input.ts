// The input of the loop for runs without a thread.
import type { LoopInput } from "../../src/agent/ports.ts";
import { agentConfig } from "../../src/protocol/agents/agent.ts";

/** The loop's input where a test gives nothing else. */
export function newLoopInput(given: Partial<LoopInput> & Pick<LoopInput, "is_former_plan">): LoopInput {
  return {
    model: "m",
    agent: agentConfig.parse({}),
    max_steps: 50,
    steps: 0,
    history: [{ role: "user", content: "do it" }],
    answers: new Map(),
    started_calls: [],
    grants: new Map(),
    interrupt_ms: null,
    seen_task_ids: [],
    call_sources: new Map(),
    client_tools: [],
    unavailable_sources: [],
    context: [],
    summary: null,
    context_tokens: 128_000,
    token_scale: 1,
    opening: [],
    ...given,
  };
}
