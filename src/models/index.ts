// The shelf of models: one file per wire dialect, each a maker of `Model`.
import type { Model } from "../agent/model.ts";
import { createOpenAiModel, type OpenAiOptions } from "./openai.ts";

/** By an agent's `tool_format`. */
export const models: { native: (options: OpenAiOptions) => Model } = {
  native: createOpenAiModel,
};
export { contextTokens } from "./context-tokens.ts";
export type { OpenAiOptions };
