// The model implementations: one folder per wire dialect, each with a factory of `Model`.
import type { Model } from "../agent/model.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import { createOpenAiModel, type OpenAiOptions } from "./chat/model.ts";
import { createXmlModel } from "./xml/model.ts";

/** By an agent's `tool_format`. */
export const models: Record<AgentConfig["tool_format"], (options: OpenAiOptions) => Model> = {
  native: createOpenAiModel,
  xml: (options) => createXmlModel(createOpenAiModel(options)),
};
export { contextTokens } from "./context-tokens.ts";
export { serverNames } from "./profiles/servers.ts";
export type { OpenAiOptions };
