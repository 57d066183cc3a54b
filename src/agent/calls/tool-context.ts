// What a tool gets for one call.
import type { ToolCall } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { RunState } from "../loop-state.ts";
import { challengeChange } from "../plan/task-tracking.ts";
import type { CallSpending } from "../spending.ts";
import type { ToolContext } from "../tool.ts";
import { gatesEveryCommand } from "./writes/unasked-writes.ts";

export function newToolContext(call: ToolCall, state: RunState): Omit<ToolContext, "signal"> {
  const { ports, input } = state;
  const granted = input.grants.get(call.id)?.reason;
  return {
    tool_call_id: call.id,
    sandbox: ports.sandbox,
    runs_no_programs: gatesEveryCommand(input.agent),
    plan: state.plan,
    plan_order: input.agent.plan_order,
    checks: input.agent.checks,
    ...(granted === undefined ? {} : { granted }),
    challenge: (changed: Plan) => challengeChange(state, changed),
    now: ports.now,
    readResult: ports.readResult,
    sources: ports.sources,
    cache: ports.cache,
    spending: spendDuring(state),
    takeUse: ports.takeUse,
    onOutput: (stream: "stdout" | "stderr", text: string) =>
      ports.onDelta({ type: "tool_output", tool_call_id: call.id, stream, text }),
  };
}

/** A tool that was stopped at its time limit may still work when the run has ended. What it spends is charged by then. */
function spendDuring(state: RunState): CallSpending {
  const { spending } = state.ports;
  return {
    reserve: async (call, signal) => (state.isOver ? { kind: "cancelled" } : await spending.reserve(call, signal)),
    settle: (call_id, usage) => {
      if (!state.isOver) spending.settle(call_id, usage);
    },
    giveUp: (call_id, is_charged) => {
      if (!state.isOver) spending.giveUp(call_id, is_charged);
    },
  };
}
