// The operator's approvals beside the agent's own. Everything that asks a person looks at the agent's approvals alone,
// so a run gets an agent that has both.
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { Tool } from "../tool.ts";
import type { Approvals } from "./approvals.ts";

type Named = Pick<Tool, "name" | "kind" | "approved_as">;

/** Of tools that the agent has. An agent's own approvals for a tool neither replace nor weaken the operator's. */
export function withAlwaysApproved(agent: AgentConfig, always: Approvals, tools: readonly Named[]): AgentConfig {
  if (Object.keys(always).length === 0) return agent;
  const added = tools.flatMap(({ name, kind, approved_as = name }) => {
    if (kind === "work" && agent.tools !== null && !agent.tools.includes(name)) return [];
    const wanted = find(always, name) ?? find(always, approved_as);
    if (wanted === undefined) return [];
    const own = find(agent.approvals, name) ?? find(agent.approvals, approved_as) ?? [];
    const both: [string, string[]] = [name, [...new Set([...own, ...wanted])]];
    return [both];
  });
  return added.length === 0 ? agent : { ...agent, approvals: { ...agent.approvals, ...Object.fromEntries(added) } };
}

function find(approvals: Approvals, tool: string): string[] | undefined {
  return Object.hasOwn(approvals, tool) ? approvals[tool] : undefined;
}
