// Calls a tool as the loop does, arguments read by its schema, without the loop.

import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import type { Tool, ToolContext, ToolResult } from "../../src/agent/tool.ts";

export async function callTool(
  tools: Tool[],
  name: string,
  input: unknown,
  context: Partial<ToolContext> = {},
): Promise<ToolResult> {
  const tool = tools.find((candidate) => candidate.name === name);
  if (!tool) throw new Error(`There is no tool ${name}.`);
  return tool.execute(tool.schema.parse(input), {
    tool_call_id: "call_1",
    sandbox: new MemorySandbox(),
    plan: { version: 0, sections: [], tasks: [] },
    plan_order: "strict",
    now: () => 0,
    readResult: () => null,
    onOutput: () => {},
    signal: new AbortController().signal,
    ...context,
  });
}
