// What a run's agent may run, for checks.
import type { Permission } from "../../checks/approval.ts";
import type { RunState } from "../../loop-state.ts";

export function permissionOf({ input, tools }: Pick<RunState, "input" | "tools">): Permission {
  return { approvals: input.agent.approvals, has_commands: tools.has("execute_command") };
}
