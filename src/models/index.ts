// The model implementations, by how a model calls tools. Below both is `openai-model.ts`: one exchange with a server, in
// one of two dialects, `chat` and `responses`. Above both, a model's name leads to its server (`servers.ts`).
import type { Model, ModelMemory } from "../agent/model.ts";
import type { ModelServer } from "../config/model-servers.ts";
import type { ModelSettings } from "../config/models.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import { charge, isFree } from "./exchange/failure/failure.ts";
import { type ThinkingStarts, withTextCalls } from "./markup/model.ts";
import { createOpenAiModel, loadClient, type OpenAiOptions, placeOf } from "./openai-model.ts";
import { withCosts } from "./prices/costs.ts";
import { findCallPrice } from "./prices/find.ts";
import {
  CALLS_AS_TEXT,
  forgetRule,
  keyOf,
  knownRules,
  rememberLesson,
  rememberRule,
  STARTS_THINKING,
} from "./profiles/rules.ts";
import { chooseProfile } from "./profiles/servers.ts";
import { routeByName } from "./servers.ts";
import { createXmlModel } from "./xml/model.ts";

/** By an agent's `tool_format`. */
export const models: Record<AgentConfig["tool_format"], (options: OpenAiOptions) => Model> = {
  native: createNativeModel,
  xml: (options) => createXmlModel(createOpenAiModel(options), thinkingStarts(options)),
};

/** The model of each format, over all servers of the settings. It learns into the memory that it is made with. */
export function createModels(
  settings: ModelSettings,
  own: Pick<OpenAiOptions, "fetch"> = {},
): Record<AgentConfig["tool_format"], (memory?: ModelMemory) => Model> {
  const optionsFor = (server: ModelServer, server_name: string | null, memory?: ModelMemory): OpenAiOptions => ({
    ...toOptions(server, settings),
    server_name,
    ...(memory === undefined ? {} : { memory }),
    ...(own.fetch === undefined ? { shared: server } : own),
  });
  const create = (format: AgentConfig["tool_format"]) => (memory?: ModelMemory) => {
    // A model is made for a run, which has to read and write before it asks.
    void loadClient();
    const routed = routeByName(settings, (server, name) => models[format](optionsFor(server, name, memory)));
    return withCosts(routed, (name, extra_body) => findCallPrice(settings, name, extra_body));
  };
  return { native: create("native"), xml: create("xml") };
}

/** What sentences tell people to check. Which server it is stands in the operator's log. */
const ofNamed = {
  key: "its key in MODEL_SERVERS",
  base_url: "its address in MODEL_SERVERS",
  model: "the model's name",
};

function toOptions(server: ModelServer, { default_server, limits }: ModelSettings): OpenAiOptions {
  const { api_key, base_url, profile, gateway_token, api, headers, extra_body } = server;
  const settings = server === default_server ? {} : { settings: ofNamed };
  return { api_key, base_url, profile, gateway_token, api, headers, extra_body, limits, ...settings };
}

/** A model whose server turns out to know no tools for it writes its calls as text from then on. */
function createNativeModel(options: OpenAiOptions): Model {
  const { profile = null, base_url } = options;
  const place = placeOf(options);
  const native = withTextCalls(createOpenAiModel(options), {
    mode: "native",
    starts: thinkingStarts(options),
    reads: ({ model }) => chooseProfile(profile, base_url, model).text_calls,
  });
  let xml: Model | null = null;
  const asText = (): Model => {
    xml ??= models.xml(options);
    return xml;
  };
  return {
    async stream(request, onDelta, signal) {
      const key = keyOf(place, request.model);
      const writesCalls = knownRules(key, options.memory).includes(CALLS_AS_TEXT);
      const outcome = await (writesCalls ? asText() : native).stream(request, onDelta, signal);
      if (outcome.kind !== "failure" || !outcome.failure.lacks_tools) return outcome;
      const second = await asText().stream(request, onDelta, signal);
      if (second.kind === "reply") rememberLesson(key, CALLS_AS_TEXT, request, options.memory);
      return isFree(outcome) ? second : charge(second);
    },
  };
}

/** Of models whose replies begin within a thought: the first such reply shows it. */
function thinkingStarts({ memory, ...server }: OpenAiOptions): ThinkingStarts {
  const place = placeOf(server);
  return {
    expects: ({ model }) => knownRules(keyOf(place, model), memory).includes(STARTS_THINKING),
    learn({ model }, hasStrayThinkEnd) {
      const key = keyOf(place, model);
      const isKnown = knownRules(key, memory).includes(STARTS_THINKING);
      if (hasStrayThinkEnd && !isKnown) rememberRule(key, STARTS_THINKING, memory);
      if (!hasStrayThinkEnd && isKnown) forgetRule(key, STARTS_THINKING, memory);
    },
  };
}

export { checkServer, type ServerCheck } from "./check.ts";
export { describeServedModel } from "./describe.ts";
export { hideSecrets } from "./exchange/failure/redaction.ts";
export { countImageAtMost } from "./images/count.ts";
export { listModels, type ModelList } from "./model-list.ts";
export { findCallPrice, findPrice, listPrices, pricedHosts } from "./prices/find.ts";
export { pricePages } from "./prices/sources.ts";
export { serverNames } from "./profiles/servers.ts";
export { findContextTokens, findRefusal, findRoute, findSettingProblem, type Route } from "./servers.ts";
export type { OpenAiOptions };
