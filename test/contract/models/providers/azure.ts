// OpenAI's models on Azure, at both forms of address. The classic form has the deployment and the version of the API in
// the address and takes the key in a header of its own. The v1 form has the deployment as the model.

import { formRules, historyRules } from "../openai-responses-rules.ts";
import { responsesWishes } from "../openai-responses-wishes.ts";
import { parameterRules } from "../openai-rules.ts";
import type { Ending, Provider, Refusal, Rule, StreamedReply, WireRequest } from "../wire.ts";
import { openai } from "./openai.ts";
import { streamAt } from "./openai-responses.ts";

/** The deployments of this resource. Users name them as they like; these are named as their models. */
const deployments = ["gpt-5.1", "gpt-4.1", "gpt-5.6-terra", "gpt-5.3-codex"];

function refuse(status: number, code: string, message: string): Refusal {
  return { status, body: { error: { code, message } } };
}

const notFound = refuse(404, "404", "Resource not found");
const noDeployment = refuse(
  404,
  "DeploymentNotFound",
  "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.",
);
const invalidKey = refuse(
  401,
  "401",
  "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
);

const keyThread = "https://github.com/microsoft/genaiscript/issues/781";
const deploymentThread = "https://github.com/OpenBMB/AgentVerse/issues/140";
const v1Guide = "https://raw.githubusercontent.com/openai/openai-node/HEAD/docs/azure.md";

const classicPath = /^\/openai\/deployments\/([^/]+)\/chat\/completions$/;
const deploymentOf = ({ url }: WireRequest) => classicPath.exec(url.pathname)?.[1] ?? "";

const classicRules: Rule[] = [
  {
    name: "refuses an address that is not a deployment's",
    source: "https://learn.microsoft.com/azure/ai-services/openai/reference",
    is_of_place: true,
    check: ({ url }) => (classicPath.test(url.pathname) ? null : notFound),
  },
  {
    name: "refuses an address without the version of the API",
    source: "https://www.mintlify.com/BoundaryML/baml/reference/providers/azure",
    is_of_place: true,
    check: ({ url }) => (url.searchParams.get("api-version") ? null : notFound),
  },
  {
    name: "refuses a request without the header api-key",
    source: keyThread,
    check: ({ headers }) => (headers.get("api-key") ? null : invalidKey),
  },
  {
    name: "refuses a deployment that does not exist",
    source: deploymentThread,
    is_of_place: true,
    check: (request) => (deployments.includes(deploymentOf(request)) ? null : noDeployment),
  },
];

const v1Rules: Rule[] = [
  {
    name: "refuses an address that is not of the v1 API",
    source: v1Guide,
    is_of_place: true,
    check: ({ url }) => (/^\/openai\/v1\/(?:chat\/completions|responses)$/.test(url.pathname) ? null : notFound),
  },
  {
    name: "refuses a request without a key",
    source: v1Guide,
    check: ({ headers }) =>
      headers.get("api-key") || /^Bearer \S/.test(headers.get("authorization") ?? "") ? null : invalidKey,
  },
  {
    name: "refuses a model that is not the name of a deployment",
    source: deploymentThread,
    is_of_place: true,
    check: ({ body }) => (deployments.includes(String(body.model)) ? null : noDeployment),
  },
];

const safe = { filtered: false, severity: "safe" };
const filterResults = { hate: safe, self_harm: safe, sexual: safe, violence: safe };

/** Azure says first what its filter found in the prompt, in a chunk without a choice. */
function addFilterResults({ chunks, sent }: StreamedReply): StreamedReply {
  const first = {
    choices: [],
    created: 0,
    id: "",
    model: "",
    object: "",
    prompt_filter_results: [{ prompt_index: 0, content_filter_results: { ...filterResults, jailbreak: safe } }],
  };
  const filtered = chunks.map((chunk) =>
    typeof chunk === "string"
      ? chunk
      : {
          ...chunk,
          choices: (chunk.choices as Record<string, unknown>[]).map((choice) => ({
            ...choice,
            content_filter_results: filterResults,
          })),
        },
  );
  return { chunks: [first, ...filtered], sent };
}

const limited = (seconds: number) =>
  refuse(
    429,
    "429",
    `Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2025-03-01-preview have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after ${seconds} seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.`,
  );

const endings: Ending[] = [
  {
    name: "a limit with the wait in the text",
    source: "https://github.com/dyad-sh/dyad/issues/1849",
    means: "rate_limited",
    wait_ms: 60_000,
    refusal: limited(60),
  },
  {
    name: "a limit of a minute that asks to wait for a day",
    source: "https://github.com/vanderschaarlab/climb/issues/1",
    means: "rate_limited",
    wait_ms: null,
    refusal: limited(86_400),
  },
  {
    name: "a prompt that the filter stops",
    source: "https://github.com/microsoft/TinyTroupe/issues/85",
    means: "filtered",
    refusal: {
      status: 400,
      body: {
        error: {
          message:
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
          type: null,
          param: "prompt",
          code: "content_filter",
          status: 400,
          innererror: {
            code: "ResponsibleAIPolicyViolation",
            content_filter_result: { ...filterResults, jailbreak: { filtered: true, detected: true } },
          },
        },
      },
    },
  },
  { name: "a wrong key", source: keyThread, means: "invalid_key", refusal: invalidKey },
  { name: "an unknown deployment", source: deploymentThread, means: "unknown_model", refusal: noDeployment },
];

/** The classic address. Its deployment decides which model answers, whatever `model` says. */
export const azureClassic: Provider = {
  profile: "azure",
  images: openai.images,
  base_url: "https://contoso.openai.azure.com/openai/deployments/gpt-5.1?api-version=2025-03-01-preview",
  model: "gpt-5.1",
  rules: [...classicRules, ...parameterRules(deploymentOf)],
  endings,
  stream: (planned, turn, request) => addFilterResults(openai.stream(planned, turn, request)),
};

export const azure: Provider = {
  ...azureClassic,
  base_url: "https://contoso.openai.azure.com/openai/v1",
  rules: [...v1Rules, ...parameterRules(({ body }) => String(body.model))],
};

const host = "contoso.openai.azure.com";

/** A model that reasons with tools in the Responses API alone. */
export const azureResponses: Provider = {
  ...azure,
  model: "gpt-5.6-terra",
  only_responses: true,
  responses: {
    rules: [...v1Rules, ...formRules.filter(({ is_of_place }) => !is_of_place), ...historyRules(host)],
    wishes: responsesWishes,
    stream: streamAt(host),
  },
};
