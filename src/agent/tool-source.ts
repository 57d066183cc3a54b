// Port: a source of tools that others describe, such as an MCP server. What it lists may differ by agent and thread and
// change at any time, so it is asked anew in each life of a run. And what of its list a run takes.
import { toolName } from "../protocol/agents/agent.ts";
import type { PinnedAgent, Thread } from "../protocol/thread.ts";
import { findSchemaFault } from "./calls/json-schema.ts";
import { describeTool } from "./calls/tool-arguments.ts";
import type { Tool } from "./tool.ts";

/** Whose tools are listed. */
export interface ToolRequest {
  agent: PinnedAgent;
  thread: Thread;
}

/**
 * Contract: `listTools` may reject, and may take longer than the run waits; the run then goes on without these tools.
 * `signal` aborts when nobody waits any more. The source bounds what it reads, keeps its secrets out of names,
 * descriptions, results and errors (which are logged), and shares no connection between lives. Its tools are of the kind
 * `work`; the next life may find a tool gone, and then answers a call that has begun as `recovery: "report"` does.
 */
export interface ToolSource {
  /** The operator's name for it, which the log and the model read. */
  name: string;
  listTools(request: ToolRequest, signal: AbortSignal): Promise<Tool[]>;
}

/** Providers take 128 tools in a request; the server's own and a client's need the rest. */
const MAX_TOOLS = 64;
/** Of a list that is longer the rest isn't looked at. */
const MAX_LISTED = 500;
/** Descriptions and schemas, in characters. */
const MAX_CHARACTERS_OF_A_TOOL = 20_000;
const MAX_CHARACTERS = 100_000;

/** What a run may still take. Each admission uses it up. */
export interface ToolRoom {
  /** Names that are taken: the server's own, also where the agent may not use them, the client's, and those admitted. */
  names: Set<string>;
  tools: number;
  characters: number;
}

/** Every step sends the tools again: they get a quarter of what the model reads, at four characters a token. */
export function createToolRoom(names: string[], context_tokens: number): ToolRoom {
  return { names: new Set(names), tools: MAX_TOOLS, characters: Math.min(MAX_CHARACTERS, context_tokens) };
}

export interface Admission {
  tools: Tool[];
  /** How many were left out, and why the first one was. */
  left_out: number;
  reason: string | null;
}

/** Takes tools in the order of their list. A tool that is left out never keeps another from being taken. */
export function admitTools(source: string, listed: Tool[], room: ToolRoom): Admission {
  const tools: Tool[] = [];
  let reason: string | null = null;
  for (const tool of listed.slice(0, MAX_LISTED)) {
    const fault = findFault(tool, room);
    reason ??= fault && `${String(tool.name).slice(0, 64)} ${fault}`;
    if (fault !== null) continue;
    room.names.add(tool.name);
    room.tools--;
    room.characters -= sizeOf(tool);
    tools.push({ ...tool, description: tool.description.toWellFormed(), source });
  }
  return { tools, left_out: listed.length - tools.length, reason };
}

function findFault(tool: Tool, room: ToolRoom): string | null {
  const { name, schema } = tool;
  if (!toolName.safeParse(name).success) return "is no valid name";
  if (room.names.has(name)) return "is a name that is taken";
  const fault = "json_schema" in schema ? findSchemaFault(schema.json_schema) : null;
  if (fault !== null) return `has a schema that ${fault}`;
  const size = sizeOf(tool);
  if (size > MAX_CHARACTERS_OF_A_TOOL) return `is described in more than ${MAX_CHARACTERS_OF_A_TOOL} characters`;
  if (room.tools === 0) return "is one tool too many";
  return size > room.characters ? "is too long beside the others" : null;
}

function sizeOf(tool: Tool): number {
  return JSON.stringify(describeTool(tool)).length;
}
