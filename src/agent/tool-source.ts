// Port: a source of tools that others describe, such as an MCP server. Its list may differ by agent and thread and may
// change at any time, so each life of a run asks for it again. This file also decides which tools of a list a run
// takes.
import { toolName } from "../protocol/agents/agent.ts";
import type { PinnedAgent, Thread } from "../protocol/thread.ts";
import { findSchemaFault } from "./calls/json-schema.ts";
import { describeTool } from "./calls/tool-arguments.ts";
import type { Tool } from "./tool.ts";

/** The agent and the thread that the list is for. */
export interface ToolRequest {
  agent: PinnedAgent;
  thread: Thread;
}

/**
 * Contract: `listTools` may reject, and may take longer than the run waits; the run then continues without these tools.
 * `signal` aborts when nobody waits any more. The source bounds what it reads, keeps its secrets out of names,
 * descriptions, results and errors (which are logged), and shares no connection between lives. Its tools have the kind
 * `work`. If a tool is gone in the next life, a call of it that has started is answered as under `recovery: "report"`.
 */
export interface ToolSource {
  /** The operator's name for it. The log and the model show it. */
  name: string;
  listTools(request: ToolRequest, signal: AbortSignal): Promise<Tool[]>;
}

/** Providers accept 128 tools in a request. The server's own tools and a client's need the rest. */
const MAX_TOOLS = 64;
/** Tools beyond this position in a list are not examined. */
const MAX_LISTED = 500;
/** Descriptions and schemas, in characters. */
const MAX_CHARACTERS_OF_A_TOOL = 20_000;
const MAX_CHARACTERS = 100_000;

/** What a run may still take. Each admitted tool uses some of it. */
export interface ToolQuota {
  /** Names in use: the server's own (also those the agent may not use), the client's, and those admitted. */
  names: Set<string>;
  tools: number;
  characters: number;
}

/** Every step sends the tools again, so they get a quarter of the context window, at four characters a token. */
export function createToolQuota(names: string[], context_tokens: number): ToolQuota {
  return { names: new Set(names), tools: MAX_TOOLS, characters: Math.min(MAX_CHARACTERS, context_tokens) };
}

export interface Admission {
  tools: Tool[];
  /** How many tools were left out, and why the first of them was. */
  left_out: number;
  reason: string | null;
}

/** Takes tools in the order of their list. A tool that is left out never displaces another. */
export function admitTools(source: string, listed: Tool[], quota: ToolQuota): Admission {
  const tools: Tool[] = [];
  let reason: string | null = null;
  for (const tool of listed.slice(0, MAX_LISTED)) {
    const fault = findFault(tool, quota);
    reason ??= fault && `${String(tool.name).slice(0, 64)} ${fault}`;
    if (fault !== null) continue;
    quota.names.add(tool.name);
    quota.tools--;
    quota.characters -= sizeOf(tool);
    tools.push({ ...tool, description: tool.description.toWellFormed(), source });
  }
  return { tools, left_out: listed.length - tools.length, reason };
}

function findFault(tool: Tool, quota: ToolQuota): string | null {
  const { name, schema } = tool;
  if (!toolName.safeParse(name).success) return "is no valid name";
  if (quota.names.has(name)) return "is a name that is taken";
  const fault = "json_schema" in schema ? findSchemaFault(schema.json_schema) : null;
  if (fault !== null) return `has a schema that ${fault}`;
  const size = sizeOf(tool);
  if (size > MAX_CHARACTERS_OF_A_TOOL) return `is described in more than ${MAX_CHARACTERS_OF_A_TOOL} characters`;
  if (quota.tools === 0) return "is one tool too many";
  return size > quota.characters ? "is too long beside the others" : null;
}

function sizeOf(tool: Tool): number {
  return JSON.stringify(describeTool(tool)).length;
}
