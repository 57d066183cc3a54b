// Threads whose runs get tools from sources.
import { vi } from "vitest";
import type { Tool } from "../../src/agent/tool.ts";
import type { ToolRequest, ToolSource } from "../../src/agent/tool-source.ts";
import { say } from "./replies.ts";
import { makeTool } from "./scripted-run.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

export const second = { invocation_id: "inv_b" };
export const work = makeTool("work");

/** A tool that another server describes. */
export function listed(name: string, more: Partial<Tool> = {}): Tool {
  return makeTool(name, { schema: { json_schema: { type: "object", properties: {} } }, ...more });
}

/** A source whose list the test changes. */
export function sourceOf(...tools: Tool[]): ToolSource & { tools: Tool[]; requests: ToolRequest[] } {
  const source = {
    name: "notes",
    tools,
    requests: [] as ToolRequest[],
    listTools: async (request: ToolRequest) => {
      source.requests.push(request);
      return source.tools;
    },
  };
  return source;
}

export function makeThread(toolSources: ToolSource[], options: FakeThreadOptions = {}): FakeThread {
  return new FakeThread({ tools: [work], toolSources, defaultReply: say("done"), ...options });
}

export function offered(thread: FakeThread, at = 0): string[] | undefined {
  return thread.requests[at]?.tools.map(({ name }) => name);
}

/** The log's lines of both levels. */
export function watchLog(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const keep = (line: unknown) => void lines.push(JSON.parse(String(line)));
  vi.spyOn(console, "warn").mockImplementation(keep);
  vi.spyOn(console, "error").mockImplementation(keep);
  return lines;
}
