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

function isAgentConfig(config: Record<keyof AgentConfig, unknown>): config is AgentConfig {
  return (
    typeof config.instructions === "string" &&
    isTextOrNull(config.model) &&
    isList(config.fallback_models, isText) &&
    (config.temperature === null || isNumber(config.temperature)) &&
    isNumber(config.max_steps) &&
    typeof config.plan_order === "string" &&
    typeof config.tool_format === "string" &&
    (config.tools === null || isList(config.tools, isText)) &&
    isRecord(config.approvals) &&
    Object.values(config.approvals).every((patterns) => isList(patterns, isText)) &&
    typeof config.plan_approval === "boolean" &&
    typeof config.evidence === "string"
  );
}
