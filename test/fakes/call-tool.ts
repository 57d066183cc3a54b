// Calls a tool as the loop does, with arguments parsed by its schema, but without the loop.

import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { checkArguments } from "../../src/agent/calls/tool-arguments.ts";
import { freeSpending } from "../../src/agent/spending.ts";
import type { Tool, ToolContext, ToolResult } from "../../src/agent/tool.ts";
import { memoryCache, memorySources } from "./sources.ts";

export async function callTool(
  tools: Tool[],
  name: string,
  input: unknown,
  context: Partial<ToolContext> = {},
): Promise<ToolResult> {
  const tool = tools.find((candidate) => candidate.name === name);
  if (!tool) throw new Error(`There is no tool ${name}.`);
  return tool.execute(readInput(tool, input), {
    tool_call_id: "call_1",
    sandbox: new MemorySandbox(),
    plan: { version: 0, sections: [], tasks: [] },
    plan_order: "strict",
    now: () => 0,
    readResult: () => null,
    sources: memorySources(),
    cache: memoryCache(),
    spending: freeSpending,
    takeUse: async () => null,
    onOutput: () => {},
    signal: new AbortController().signal,
    ...context,
  });
}

export function readInput(tool: Tool, input: unknown): unknown {
  const checked = checkArguments(tool, JSON.stringify(input), false);
  if (!checked.ok) throw new Error(checked.message);
  return checked.input;
}
