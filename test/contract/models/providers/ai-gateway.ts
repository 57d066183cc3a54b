// Cloudflare's AI Gateway in front of a provider. It has a key of its own, in a header of its own, which every gateway
// made since November 2026 requires. Its own errors have an array under `error`. At its address for all providers, the
// model's name begins with the provider behind it, which gets the request as it is and refuses what it refuses.
import { parameterRules } from "../openai-rules.ts";
import type { Provider, Refusal, Rule } from "../wire.ts";
import { anthropic } from "./anthropic.ts";
import { openai, openaiKeyRule } from "./openai.ts";
import { workersAi } from "./workers-ai.ts";

const unauthorized: Refusal = {
  status: 401,
  body: { success: false, result: [], messages: [], error: [{ code: 2009, message: "Unauthorized" }] },
};

const gatewayKeyRule: Rule = {
  name: "refuses a request without the gateway's own key",
  source: "https://developers.cloudflare.com/changelog/post/2026-11-03-required-authentication/",
  check: ({ headers }) => (/^Bearer \S+$/.test(headers.get("cf-aig-authorization") ?? "") ? null : unauthorized),
};

function throughGateway(maker: string, provider: Provider): Provider {
  return {
    ...provider,
    profile: "ai-gateway",
    base_url: "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/main/compat",
    model: `${maker}/${provider.model}`,
    rules: [gatewayKeyRule, ...provider.rules],
    endings: [],
    responses: undefined,
  };
}

export const aiGatewayOpenAi: Provider = {
  ...throughGateway("openai", {
    ...openai,
    model: "gpt-5-mini",
    rules: [openaiKeyRule, ...parameterRules(({ body }) => String(body.model).replace(/^openai\//, ""))],
  }),
  endings: [
    {
      name: "the gateway's key is unknown",
      source: "https://developers.cloudflare.com/ai-gateway/configuration/authentication/",
      means: "invalid_key",
      refusal: unauthorized,
    },
  ],
};

export const aiGatewayWorkersAi = throughGateway("workers-ai", workersAi);
export const aiGatewayClaude = throughGateway("anthropic", anthropic);
