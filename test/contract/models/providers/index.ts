// All strict servers, of each declared profile at least one. `breaks/index.ts` has a client for each.
import type { Provider } from "../wire.ts";
import { aiGatewayClaude, aiGatewayOpenAi, aiGatewayWorkersAi } from "./ai-gateway.ts";
import { anthropic } from "./anthropic.ts";
import { azure, azureClassic, azureResponses } from "./azure.ts";
import { bedrock } from "./bedrock.ts";
import { cerebras } from "./cerebras.ts";
import { deepseek, deepseekFlash } from "./deepseek.ts";
import { gemini } from "./gemini.ts";
import { glm } from "./glm.ts";
import { groq } from "./groq.ts";
import { kimi, kimiK3 } from "./kimi.ts";
import { litellm } from "./litellm.ts";
import { llamaCpp, llamaCppQwen } from "./llama-cpp.ts";
import { minimax } from "./minimax.ts";
import { mistral } from "./mistral.ts";
import { ollama } from "./ollama.ts";
import { openResponses } from "./open-responses.ts";
import { openai, openaiCodex, openaiNewest, openaiOlder, openaiUnverified } from "./openai.ts";
import { openrouter } from "./openrouter.ts";
import { openrouterGemini } from "./openrouter-gemini.ts";
import { qwen } from "./qwen.ts";
import { vllm, vllmMistral } from "./vllm.ts";
import { workersAi } from "./workers-ai.ts";

export const providers: Provider[] = [
  openai,
  openaiNewest,
  openaiCodex,
  openaiUnverified,
  openaiOlder,
  openResponses,
  azure,
  azureResponses,
  azureClassic,
  deepseek,
  deepseekFlash,
  kimi,
  kimiK3,
  qwen,
  glm,
  minimax,
  openrouter,
  openrouterGemini,
  gemini,
  anthropic,
  bedrock,
  mistral,
  groq,
  cerebras,
  workersAi,
  aiGatewayOpenAi,
  aiGatewayWorkersAi,
  aiGatewayClaude,
  litellm,
  vllm,
  vllmMistral,
  llamaCpp,
  llamaCppQwen,
  ollama,
];
