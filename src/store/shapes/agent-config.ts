// The configuration of an agent: in D1 with each version, in the object's SQLite with each run that it is pinned by.
import { isRecord } from "../../lib/is-record.ts";
import { type AgentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { isList, isNumber, isText, isTextOrNull, type Shape } from "./stored.ts";

/**
 * A configuration of a former version lacks the fields that came since, and has their defaults. Whoever gets undefined must
 * refuse the agent: defaults for all of it would drop its approvals.
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
  max_steps: isNumber,
  plan_order: isText,
  tool_format: isText,
  tools: (value) => value === null || isTexts(value),
  approvals: (value) => isRecord(value) && Object.values(value).every(isTexts),
  plan_approval: isBoolean,
  evidence: isText,
};
const fields = Object.keys(isKnown) as (keyof AgentConfig)[];

function isAgentConfig(config: Record<keyof AgentConfig, unknown>): config is AgentConfig {
  return fields.every((field) => isKnown[field](config[field]));
}

function isTexts(value: unknown): value is string[] {
  return isList(value, isText);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}
