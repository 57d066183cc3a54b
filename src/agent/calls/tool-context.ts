// What a tool gets for one call.
import type { ToolCall } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { RunState } from "../loop-state.ts";
import { challengeChange } from "../plan/task-tracking.ts";
import type { ToolContext } from "../tool.ts";
import { gatesEveryCommand } from "./hidden/hidden-commands.ts";

export function newToolContext(call: ToolCall, state: RunState): Omit<ToolContext, "signal"> {
  const { ports, input } = state;
  return {
    tool_call_id: call.id,
    sandbox: ports.sandbox,
    runs_no_programs: gatesEveryCommand(input.agent),
    plan: state.plan,
    plan_order: input.agent.plan_order,
    challenge: (changed: Plan) => challengeChange(state, changed),
    now: ports.now,
    readResult: ports.readResult,
    sources: ports.sources,
    cache: ports.cache,
    onOutput: (stream: "stdout" | "stderr", text: string) =>
      ports.onDelta({ type: "tool_output", tool_call_id: call.id, stream, text }),
  };
}
