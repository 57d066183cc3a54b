// The configuration of an agent. D1 stores it with each version, the object's SQLite with each run that pins it.
import { isRecord } from "../../lib/is-record.ts";
import { type AgentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { isList, isNumber, isText, isTextOrNull, type Shape } from "./stored.ts";

/**
 * A field that was added to agents later has its default. A caller that gets undefined must refuse the agent: with
 * defaults for everything it would lose its approvals.
 */
export const toAgentConfig: Shape<AgentConfig> = (value) => {
  if (!isRecord(value)) return undefined;
  const config = { ...defaultAgent.config, ...value };
  return isAgentConfig(config) ? config : undefined;
};

const isKnown: Record<keyof AgentConfig, (value: unknown) => boolean> = {
  instructions: isText,
  model: isTextOrNull,
  fallback_models: isTexts,
  temperature: (value) => value === null || isNumber(value),
  model_options: isModelOptions,
  max_steps: isNumber,
  plan_order: isText,
  tool_format: isText,
  tools: (value) => value === null || isTexts(value),
  approvals: (value) => isRecord(value) && Object.values(value).every(isTexts),
  plan_approval: isBoolean,
  evidence: isText,
  checks: isText,
  on_failed_task: isText,
  max_cost_usd: isNumberOrNull,
  max_total_tokens: isNumberOrNull,
  max_minutes: isNumberOrNull,
  on_cap: isText,
  on_disconnect: isText,
};
const fields = Object.keys(isKnown) as (keyof AgentConfig)[];

function isAgentConfig(config: Record<keyof AgentConfig, unknown>): config is AgentConfig {
  return fields.every((field) => isKnown[field](config[field]));
}

/** A later version may know more options and more efforts. Those that this one sends have to be of their kind. */
function isModelOptions(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { reasoning_effort, max_output_tokens, extra_body } = value;
  return (
    (reasoning_effort === undefined || isText(reasoning_effort)) &&
    (max_output_tokens === undefined || isNumber(max_output_tokens)) &&
    (extra_body === undefined || isRecord(extra_body))
  );
}

function isTexts(value: unknown): value is string[] {
  return isList(value, isText);
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || isNumber(value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}
