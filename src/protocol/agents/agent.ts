// An agent: a named, versioned configuration. A run pins the version it started with.
import { z } from "zod";
import { DEFAULT_AGENT_ID } from "../ids.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode");

const modelName = wellFormed.min(1).max(200);
export const toolName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ -");

/** What a version of an agent fixes. */
export const agentConfig = z.strictObject({
  instructions: wellFormed.max(50_000).default(""),
  /** Null is the server's `OPENAI_MODEL`. */
  model: modelName.nullable().default(null),
  /** Asked in this order where the one before keeps failing. */
  fallback_models: z.array(modelName).max(5).default([]),
  /** Null is the provider's own. */
  temperature: z.number().min(0).max(2).nullable().default(null),
  max_steps: z.int().min(1).max(1000).default(100),
  plan_order: z.enum(["strict", "free"]).default("strict"),
  /** How the model is given tools: by the provider's own, or described in the prompt and called in XML. */
  tool_format: z.enum(["native", "xml"]).default("native"),
  /** The tools for work that are offered; null is all of them. Those for the plan and for people always are. */
  tools: z.array(toolName).max(100).nullable().default(null),
  /** Calls that a person must approve: by tool, patterns in which `*` is any text. */
  approvals: z.record(toolName, z.array(wellFormed.min(1).max(500)).min(1).max(100)).default({}),
  /** Whether a person approves what `create_tasks` plans before it is the plan. */
  plan_approval: z.boolean().default(false),
  /** Of a task that is completed without one call that succeeded: `challenge` asks the model once, `note` only notes it. */
  evidence: z.enum(["note", "challenge"]).default("note"),
});
export type AgentConfig = z.infer<typeof agentConfig>;

export interface Agent {
  agent_id: string;
  name: string;
  version: number;
  config: AgentConfig;
  /** What new runs begin with instead of the newest version; null where nothing is pinned. */
  pinned_version: number | null;
  created_at: string;
  updated_at: string;
}

/** The agent every user has: version 1, all defaults, until a `PATCH` stores another version. */
export const defaultAgent: Agent = {
  agent_id: DEFAULT_AGENT_ID,
  name: "Taskloom",
  version: 1,
  config: agentConfig.parse({}),
  pinned_version: null,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
};
