// For each strict server, how a client keeps to its rules and how a request breaks each of them.
import type { Client } from "../client.ts";
import type { Provider } from "../wire.ts";
import { aiGatewayClaudeClient, aiGatewayOpenAiClient, aiGatewayWorkersAiClient } from "./ai-gateway.ts";
import { anthropicClient } from "./anthropic.ts";
import { azureClassicClient, azureClient } from "./azure.ts";
import { bedrockClient } from "./bedrock.ts";
import { cerebrasClient } from "./cerebras.ts";
import { deepseekClient, deepseekFlashClient } from "./deepseek.ts";
import { geminiClient } from "./gemini.ts";
import { glmClient } from "./glm.ts";
import { groqClient } from "./groq.ts";
import { kimiClient, kimiK3Client } from "./kimi.ts";
import { litellmClient } from "./litellm.ts";
import { llamaCppClient, llamaCppQwenClient } from "./llama-cpp.ts";
import { minimaxClient } from "./minimax.ts";
import { mistralClient } from "./mistral.ts";
import { ollamaClient } from "./ollama.ts";
import { openaiClient, openaiOlderClient } from "./openai.ts";
import { openrouterClient, openrouterGeminiClient } from "./openrouter.ts";
import { qwenClient } from "./qwen.ts";
import { vllmClient, vllmMistralClient } from "./vllm.ts";
import { workersAiClient } from "./workers-ai.ts";

export const clients: Client[] = [
  ...[openaiClient, openaiOlderClient, azureClient, azureClassicClient],
  ...[deepseekClient, deepseekFlashClient, kimiClient, kimiK3Client, qwenClient, glmClient, minimaxClient],
  ...[openrouterClient, openrouterGeminiClient, geminiClient, anthropicClient, mistralClient],
  bedrockClient,
  ...[groqClient, cerebrasClient, workersAiClient],
  ...[aiGatewayOpenAiClient, aiGatewayWorkersAiClient, aiGatewayClaudeClient, litellmClient],
  ...[vllmClient, vllmMistralClient, llamaCppClient, llamaCppQwenClient, ollamaClient],
];

export function clientOf(provider: Provider): Client {
  const client = clients.find((client) => client.provider === provider);
  if (!client) throw new Error(`breaks/index.ts has no client for ${provider.model} at ${provider.base_url}`);
  return client;
}
