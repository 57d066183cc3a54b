// Where prices stand, for people and tests: no part of the Worker.
export const pricePages: Record<string, string> = {
  openai: "https://developers.openai.com/api/docs/pricing",
  anthropic: "https://platform.claude.com/docs/en/about-claude/pricing",
  gemini: "https://ai.google.dev/gemini-api/docs/pricing",
  deepseek: "https://api-docs.deepseek.com/quick_start/pricing",
  kimi: "https://platform.kimi.ai/docs/pricing/chat",
  glm: "https://docs.z.ai/guides/overview/pricing",
  minimax: "https://platform.minimax.io/docs/guides/pricing-paygo",
  qwen: "https://www.alibabacloud.com/help/en/model-studio/model-pricing",
  mistral: "https://docs.mistral.ai/inference/pricing",
  xai: "https://docs.x.ai/developers/pricing",
  groq: "https://console.groq.com/docs/models",
  "workers-ai": "https://developers.cloudflare.com/workers-ai/platform/pricing/",
};
