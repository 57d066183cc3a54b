// The model implementations: one folder per wire dialect, each with a factory of `Model`.
import type { Model } from "../agent/model.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import { readAddress } from "./chat/address.ts";
import { createOpenAiModel, type OpenAiOptions } from "./chat/model.ts";
import { type ThinkingStarts, withTextCalls } from "./markup/model.ts";
import { keyOf, knownRules, rememberRule } from "./profiles/memory.ts";
import { STARTS_THINKING } from "./profiles/rules.ts";
import { createXmlModel } from "./xml/model.ts";

/** By an agent's `tool_format`. */
export const models: Record<AgentConfig["tool_format"], (options: OpenAiOptions) => Model> = {
  native: (options) => withTextCalls(createOpenAiModel(options), "native", thinkingStarts(options)),
  xml: (options) => createXmlModel(createOpenAiModel(options), thinkingStarts(options)),
};

/** Of models whose replies begin within a thought: the first such reply shows it. */
function thinkingStarts({ base_url, memory }: OpenAiOptions): ThinkingStarts {
  const { host } = readAddress(base_url);
  return {
    expects: ({ model }) => knownRules(keyOf(host, model), memory).includes(STARTS_THINKING),
    learn({ model }, hasStrayThinkEnd) {
      const key = keyOf(host, model);
      if (hasStrayThinkEnd && !knownRules(key, memory).includes(STARTS_THINKING))
        rememberRule(key, STARTS_THINKING, memory);
    },
  };
}

export { contextTokens } from "./context-tokens.ts";
export { serverNames } from "./profiles/servers.ts";
export type { OpenAiOptions };
