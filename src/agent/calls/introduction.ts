// Adds to the result of the first call that used a sandbox what there is to know of it. The result is stored with it,
// and only then the thread counts as introduced.
import type { RunState } from "../loop-state.ts";
import type { Tool, ToolResult } from "../tool.ts";

export async function withIntroduction(result: ToolResult, tool: Tool, { ports }: RunState): Promise<ToolResult> {
  if (tool.kind !== "work" || result.fatal !== undefined || ports.signal.aborted) return result;
  const introduction = (await ports.introduceSandbox?.()) ?? null;
  if (introduction === null) return result;
  return { ...result, content: `${result.content}\n${introduction.text}`, introduces: introduction.sandbox };
}
