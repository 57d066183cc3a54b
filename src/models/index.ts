// The model implementations, by how a model calls tools. Below both is `openai-model.ts`: one exchange with a server, in
// one of two dialects, `chat` and `responses`.
import type { Model } from "../agent/model.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import { readAddress } from "./exchange/address.ts";
import { type ThinkingStarts, withTextCalls } from "./markup/model.ts";
import { createOpenAiModel, type OpenAiOptions } from "./openai-model.ts";
import { chooseProfile } from "./profiles/choose.ts";
import { forgetRule, keyOf, knownRules, rememberRule } from "./profiles/memory.ts";
import { CALLS_AS_TEXT, STARTS_THINKING } from "./profiles/rules.ts";
import { createXmlModel } from "./xml/model.ts";

/** By an agent's `tool_format`. */
export const models: Record<AgentConfig["tool_format"], (options: OpenAiOptions) => Model> = {
  native: createNativeModel,
  xml: (options) => createXmlModel(createOpenAiModel(options), thinkingStarts(options)),
};

/** A model whose server turns out to know no tools for it writes its calls as text from then on. */
function createNativeModel(options: OpenAiOptions): Model {
  const { host } = readAddress(options.base_url);
  const { profile = null, base_url } = options;
  const native = withTextCalls(createOpenAiModel(options), {
    mode: "native",
    starts: thinkingStarts(options),
    reads: ({ model }) => chooseProfile(profile, base_url, model).text_calls,
  });
  const xml = models.xml(options);
  return {
    async stream(request, onDelta, signal) {
      const key = keyOf(host, request.model);
      const writesCalls = knownRules(key, options.memory).includes(CALLS_AS_TEXT);
      const outcome = await (writesCalls ? xml : native).stream(request, onDelta, signal);
      if (outcome.kind !== "failure" || !outcome.failure.lacks_tools) return outcome;
      const second = await xml.stream(request, onDelta, signal);
      if (second.kind === "reply") rememberRule(key, CALLS_AS_TEXT, options.memory);
      return second;
    },
  };
}

/** Of models whose replies begin within a thought: the first such reply shows it. */
function thinkingStarts({ base_url, memory }: OpenAiOptions): ThinkingStarts {
  const { host } = readAddress(base_url);
  return {
    expects: ({ model }) => knownRules(keyOf(host, model), memory).includes(STARTS_THINKING),
    learn({ model }, hasStrayThinkEnd) {
      const key = keyOf(host, model);
      const isKnown = knownRules(key, memory).includes(STARTS_THINKING);
      if (hasStrayThinkEnd && !isKnown) rememberRule(key, STARTS_THINKING, memory);
      if (!hasStrayThinkEnd && isKnown) forgetRule(key, STARTS_THINKING, memory);
    },
  };
}

export { contextTokens } from "./context-tokens.ts";
export { serverNames } from "./profiles/servers.ts";
export type { OpenAiOptions };
