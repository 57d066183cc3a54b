// An agent: a named, versioned configuration. A run pins the version it started with.
import { z } from "zod";
import { DEFAULT_AGENT_ID } from "../ids.ts";
import { capFields } from "../money/caps.ts";
import { disconnectPolicies } from "../run.ts";
import { modelOptions } from "./model-options.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode");

const modelName = wellFormed.min(1).max(200);
export const toolName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ -");

/** What one version of an agent fixes. */
export const agentConfig = z.strictObject({
  instructions: wellFormed.max(50_000).default(""),
  /** Null means the server's `OPENAI_MODEL`. */
  model: modelName.nullable().default(null),
  /** Tried in this order when the model before keeps failing. */
  fallback_models: z.array(modelName).max(5).default([]),
  /** Null means the provider's default. */
  temperature: z.number().min(0).max(2).nullable().default(null),
  /** Sent with every call of the run's model and of its fallbacks. */
  model_options: modelOptions.default({}),
  max_steps: z.int().min(1).max(1000).default(100),
  plan_order: z.enum(["strict", "free"]).default("strict"),
  /** How the model gets its tools: through the provider's tool calls, or described in the prompt and called in XML. */
  tool_format: z.enum(["native", "xml"]).default("native"),
  /** The work tools on offer; null means all. Tools for the plan and for people are always on offer. */
  tools: z.array(toolName).max(100).nullable().default(null),
  /** Calls that a person must approve: patterns by tool name, in which `*` matches any text. */
  approvals: z.record(toolName, z.array(wellFormed.min(1).max(500)).min(1).max(100)).default({}),
  /** Whether a person approves the tasks of `create_tasks` before they become the plan. */
  plan_approval: z.boolean().default(false),
  /** For a task completed without a successful call: `challenge` asks the model once, `note` only records it. */
  evidence: z.enum(["note", "challenge"]).default("note"),
  /**
   * For tasks with checks: `require` keeps a task open until they pass, `advise` closes it and says what failed, `locked`
   * is `require` and asks a person before the model takes a check away.
   */
  checks: z.enum(["advise", "require", "locked"]).default("require"),
  /** After a task has ended as failed: `continue` with the others, or `stop` the run. */
  on_failed_task: z.enum(["continue", "stop"]).default("continue"),
  /** Caps of each run; null means none. */
  max_cost_usd: capFields.max_cost_usd.default(null),
  max_total_tokens: capFields.max_total_tokens.default(null),
  max_minutes: capFields.max_minutes.default(null),
  /** When a cap of the run is reached: `end` it, or `ask` a person to raise the cap. */
  on_cap: z.enum(["end", "ask"]).default("end"),
  /** When the last reader of a run has left: `continue`, or `cancel` it after a few seconds. A request may say otherwise. */
  on_disconnect: z.enum(disconnectPolicies).default("continue"),
});
export type AgentConfig = z.infer<typeof agentConfig>;

export interface Agent {
  agent_id: string;
  name: string;
  version: number;
  config: AgentConfig;
  /** The version that new runs start with; null means the newest. */
  pinned_version: number | null;
  created_at: string;
  updated_at: string;
}

/** An agent as the API returns it: its configuration's fields beside its own. */
export interface AgentView extends Omit<Agent, "config">, AgentConfig {}

/** Every user has this agent: version 1 with all defaults, until a `PATCH` stores another version. */
export const defaultAgent: Agent = {
  agent_id: DEFAULT_AGENT_ID,
  name: "Taskloom",
  version: 1,
  config: agentConfig.parse({}),
  pinned_version: null,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
};
