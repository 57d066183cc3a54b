// Which checks to give a task. What a check may hold stands in the tool's schema; here is when one is worth something.
// Only agents that can work in a sandbox read it: elsewhere a check has nowhere to run.
import type { AgentConfig } from "../../protocol/agents/agent.ts";

/** Tools of the sandbox that make something to look at. */
const makers = ["execute_command", "create_file", "edit_file"];

export function canBeChecked({ tools }: AgentConfig): boolean {
  return tools === null || makers.some((name) => tools.includes(name));
}

export function describeChecks(agent: AgentConfig): string | null {
  if (!canBeChecked(agent)) return null;
  const isClosed = agent.checks === "advise" ? "its record says what they showed" : "it stays open until they pass";
  return `# Checks

Give a task checks in create_tasks where its result can be looked at: the server runs them when you complete it, and ${isClosed}. 结果能检查的任务都带上 checks。
- Good: fails while the work is missing and shows the result itself: tests with the totals they print (protected: their files), an http request that starts the server, a file with what it must contain.
- Empty: true, echo ok, npm test || true, a file that is there anyway, a test that asserts nothing. They pass whatever you do and count for nothing. 空检查不算数。
- If one fails, mend the work, never the check or its tests. What can't run here gets no check: say in the summary that nothing has checked it.`;
}
