// Tools that another server lists by JSON Schema, in the form of MCP's `tools/list` and `tools/call`. How requests
// reach that server is left out: a `ToolServer` stands for it. In the server this file is `src/tools/listed-tools.ts`,
// and `createToolSources` has a line for it.
import { z } from "zod";
import type { Tool, ToolResult } from "../../src/agent/tool.ts";
import type { ToolRequest, ToolSource } from "../../src/agent/tool-source.ts";

/** Returns answers as the server sent them. Both methods bound what they read, and end when the signal aborts. */
export interface ToolServer {
  listTools(cursor: string | undefined, signal: AbortSignal): Promise<unknown>;
  callTool(name: string, input: unknown, signal: AbortSignal): Promise<unknown>;
}

/** Bounds a list without an end. So many pages hold more tools than a run takes. */
const MAX_PAGES = 10;
const TIME_LIMIT_MS = 60_000;

const listedTool = z.object({
  name: z.string(),
  description: z.string().default(""),
  inputSchema: z.record(z.string(), z.unknown()),
});
const listedPage = z.object({ tools: z.array(listedTool), nextCursor: z.string().optional() });
const calledTool = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  isError: z.boolean().default(false),
});

/** `serverFor` returns the server that an agent's tools come from, or null if it has none. */
export function createListedTools(name: string, serverFor: (request: ToolRequest) => ToolServer | null): ToolSource {
  return {
    name,
    listTools: async (request, signal) => {
      const server = serverFor(request);
      return server === null ? [] : await listAll(name, server, signal);
    },
  };
}

async function listAll(source: string, server: ToolServer, signal: AbortSignal): Promise<Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const listed = listedPage.parse(await server.listTools(cursor, signal));
    tools.push(...listed.tools.map((tool) => createTool(source, server, tool)));
    cursor = listed.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

/** The server's own hints, such as `readOnlyHint`, are ignored, because the server is not trusted. */
function createTool(source: string, server: ToolServer, listed: z.infer<typeof listedTool>): Tool {
  return {
    // Two servers may both have a `search`.
    name: `${source}_${listed.name}`,
    description: listed.description,
    schema: { json_schema: listed.inputSchema },
    kind: "work",
    read_only: false,
    recovery: "report",
    time_limit_ms: TIME_LIMIT_MS,
    execute: async (input, { signal }) => {
      try {
        return readResult(await server.callTool(listed.name, input, signal));
      } catch {
        return { content: `${source} gave no answer that can be read. The call may have happened.`, is_error: true };
      }
    },
  };
}

function readResult(answer: unknown): ToolResult {
  const { content, isError } = calledTool.parse(answer);
  const parts = content.map(({ type, text }) => text ?? `(${type.slice(0, 20)}, not shown)`);
  return { content: parts.join("\n") || "(no output)", is_error: isError };
}
