// An agent as the API returns it, and the form that creates or changes one. Rarely changed settings are JSON in one
// field, so that everything in the API can be changed here.
import type { AgentConfig, AgentView } from "../../../protocol/agents/agent.ts";

export type Agent = AgentView;
type Effort = NonNullable<AgentConfig["model_options"]["reasoning_effort"]>;

export const efforts: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

export interface AgentDraft {
  name: string;
  instructions: string;
  /** "" is the server's default. */
  model: string;
  /** One per line. */
  fallback_models: string;
  /** "" leaves it to the provider. */
  reasoning_effort: Effort | "";
  /** "" is without a limit of its own. */
  max_output_tokens: string;
  max_steps: string;
  plan_order: AgentConfig["plan_order"];
  plan_approval: boolean;
  evidence: AgentConfig["evidence"];
  checks: AgentConfig["checks"];
  /** `tool: pattern`, one per line. */
  approvals: string;
  /** The other settings, as JSON. */
  rest: string;
}

/** The settings without a field in the form. `extra_body` is a part of `model_options`. */
type Rest = Omit<AgentConfig, keyof AgentDraft | "model_options"> & { extra_body: Record<string, unknown> | null };
const newRest: Rest = {
  ...{ temperature: null, tool_format: "native", tools: null, extra_body: null },
  ...{ max_cost_usd: null, max_total_tokens: null, max_minutes: null, on_cap: "end" },
  ...{ on_disconnect: "continue", on_failed_task: "continue" },
};
const restNames = Object.keys(newRest) as (keyof Rest)[];

export const newAgentDraft: AgentDraft = {
  ...{ name: "", instructions: "", model: "", fallback_models: "", max_steps: "100", plan_order: "strict" },
  ...{ reasoning_effort: "", max_output_tokens: "", plan_approval: false, evidence: "note", approvals: "" },
  checks: "require",
  rest: writeRest(newRest),
};

export function draftOf(agent: Agent): AgentDraft {
  const { name, instructions, plan_order, plan_approval, evidence, checks, model_options } = agent;
  return {
    ...{ name, instructions, plan_order, plan_approval, evidence, checks, model: agent.model ?? "" },
    fallback_models: agent.fallback_models.join("\n"),
    reasoning_effort: model_options.reasoning_effort ?? "",
    max_output_tokens: String(model_options.max_output_tokens ?? ""),
    max_steps: String(agent.max_steps),
    approvals: writeApprovals(agent.approvals),
    rest: writeRest(restOf(agent)),
  };
}

/** The request's body, or null where the JSON is invalid. The server validates the rest. */
export function bodyOf(draft: AgentDraft): Record<string, unknown> | null {
  const rest = readRest(draft.rest);
  if (rest === null) return null;
  const { extra_body, ...others } = rest;
  const { instructions, plan_order, plan_approval, evidence, checks, reasoning_effort, max_output_tokens } = draft;
  const fields = {
    ...{ name: draft.name.trim(), instructions, plan_order, plan_approval, evidence, checks },
    model: draft.model.trim() || null,
    fallback_models: linesOf(draft.fallback_models),
    model_options: {
      ...(reasoning_effort === "" ? {} : { reasoning_effort }),
      ...(max_output_tokens.trim() === "" ? {} : { max_output_tokens: Number(max_output_tokens) }),
      ...(extra_body === undefined || extra_body === null ? {} : { extra_body }),
    },
    max_steps: Number(draft.max_steps),
    approvals: readApprovals(draft.approvals),
  };
  return { ...others, ...fields };
}

/** `rm *` and `git push` of one tool are two lines; a line without a pattern asks about every call. */
export function readApprovals(text: string): Record<string, string[]> {
  const read = new Map<string, string[]>();
  for (const line of linesOf(text)) {
    const colon = line.indexOf(":");
    const tool = (colon < 0 ? line : line.slice(0, colon)).trim();
    const pattern = colon < 0 ? "*" : line.slice(colon + 1).trim() || "*";
    read
      .set(tool, read.get(tool) ?? [])
      .get(tool)
      ?.push(pattern);
  }
  return Object.fromEntries(read);
}

export function writeApprovals(approvals: AgentConfig["approvals"]): string {
  return Object.entries(approvals)
    .flatMap(([tool, patterns]) => patterns.map((pattern) => `${tool}: ${pattern}`))
    .join("\n");
}

/** The other settings that differ from a new agent's; "" where none does. */
export function describeRest(agent: Agent): string {
  const rest = restOf(agent);
  return restNames
    .filter((name) => JSON.stringify(rest[name]) !== JSON.stringify(newRest[name]))
    .map((name) => `${name}: ${JSON.stringify(rest[name])}`)
    .join("\n");
}

/** A value of a version, as text to compare. */
export function showValue(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function restOf({ temperature, tool_format, tools, model_options, ...agent }: Agent): Rest {
  const { max_cost_usd, max_total_tokens, max_minutes, on_cap, on_disconnect, on_failed_task } = agent;
  return {
    ...{ temperature, tool_format, tools, extra_body: model_options.extra_body ?? null },
    ...{ max_cost_usd, max_total_tokens, max_minutes, on_cap, on_disconnect, on_failed_task },
  };
}

function writeRest(rest: Rest): string {
  return JSON.stringify(Object.fromEntries(restNames.map((name) => [name, rest[name]])), null, 2);
}

function readRest(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
