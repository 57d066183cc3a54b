// An agent: a named, versioned configuration. A run pins the version it started with.
import { z } from "zod";
import { DEFAULT_AGENT_ID } from "./ids.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode");

/** What a version of an agent fixes. `null` for `model` is the server's `OPENAI_MODEL`. */
export const agentConfig = z.strictObject({
  instructions: wellFormed.max(50_000).default(""),
  model: wellFormed.min(1).max(200).nullable().default(null),
  max_steps: z.int().min(1).max(1000).default(100),
  plan_order: z.enum(["strict", "free"]).default("strict"),
  tool_format: z.enum(["native"]).default("native"),
});
export type AgentConfig = z.infer<typeof agentConfig>;

export interface Agent {
  agent_id: string;
  name: string;
  version: number;
  config: AgentConfig;
  created_at: string;
  updated_at: string;
}

/** The agent every user has: version 1, all defaults, until a `PATCH` stores another version. */
export const defaultAgent: Agent = {
  agent_id: DEFAULT_AGENT_ID,
  name: "Taskloom",
  version: 1,
  config: agentConfig.parse({}),
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
};
