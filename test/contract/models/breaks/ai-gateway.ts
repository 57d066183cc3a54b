// The breaks of the provider behind the gateway, and of the gateway itself.
import type { Client } from "../client.ts";
import { aiGatewayClaude, aiGatewayOpenAi, aiGatewayWorkersAi } from "../providers/ai-gateway.ts";
import type { Provider } from "../wire.ts";
import { anthropicClient } from "./anthropic.ts";
import { dropKey, set } from "./changes.ts";
import { openaiOlderClient, parameterBreaks } from "./openai.ts";
import { workersAiClient } from "./workers-ai.ts";

function throughGateway(provider: Provider, client: Client): Client {
  return {
    ...client,
    provider,
    headers: { "cf-aig-authorization": "Bearer gateway-token" },
    breaks: {
      "refuses a request without the gateway's own key": ({ headers }) => delete headers["cf-aig-authorization"],
      ...client.breaks,
    },
  };
}

export const aiGatewayOpenAiClient = throughGateway(aiGatewayOpenAi, {
  ...openaiOlderClient,
  breaks: {
    "refuses a request without a key": dropKey,
    ...parameterBreaks((model) => set({ model: `openai/${model}` })),
  },
});

export const aiGatewayWorkersAiClient = throughGateway(aiGatewayWorkersAi, workersAiClient);
export const aiGatewayClaudeClient = throughGateway(aiGatewayClaude, anthropicClient);
