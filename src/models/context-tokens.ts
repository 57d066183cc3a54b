// How many tokens the known model families read and write in one call, by the prefix of a model's name. New models
// appear faster than tables are updated, so a family has the smallest value of its current models. The setting
// MODEL_CONTEXT_TOKENS corrects a wrong value. A value that is too high costs one refused request
// (`agent/context/call-within-context.ts`).

/** The minimum of today's models, for names without a known prefix. */
const DEFAULT_TOKENS = 128_000;

/** The longest matching prefix counts. For models with a separate limit of input, the value is that limit. */
const families: Record<string, number> = {
  "gpt-5": 272_000,
  "gpt-5-chat": 128_000,
  "gpt-4.1": 1_000_000,
  "gpt-4o": 128_000,
  "gpt-4-turbo": 128_000,
  "gpt-4-1106": 128_000,
  "gpt-4-0125": 128_000,
  "gpt-4-32k": 32_768,
  "gpt-4": 8_192,
  "gpt-3.5": 16_385,
  "gpt-oss": 131_072,
  o1: 200_000,
  "o1-mini": 128_000,
  "o1-preview": 128_000,
  o3: 200_000,
  o4: 200_000,
  claude: 200_000,
  "claude-2.0": 100_000,
  "claude-instant": 100_000,
  gemini: 1_000_000,
  "gemini-1.0": 32_760,
  "gemini-pro-vision": 16_384,
  gemma: 8_192,
  "gemma-3": 128_000,
  gemma3: 128_000,
  deepseek: 128_000,
  "deepseek-coder": 16_384,
  qwen: 32_768,
  "qwen2.5": 32_768,
  "qwen-turbo": 128_000,
  "qwen-plus": 128_000,
  "qwen-long": 1_000_000,
  qwen3: 128_000,
  "qwen3-coder": 256_000,
  "qwen3-max": 256_000,
  qwq: 32_768,
  "glm-4": 128_000,
  "glm-4.6": 200_000,
  kimi: 128_000,
  "moonshot-v1-8k": 8_192,
  "moonshot-v1-32k": 32_768,
  llama: 128_000,
  "llama-2": 4_096,
  llama2: 4_096,
  "llama-3": 128_000,
  "llama-3-": 8_192,
  "llama3:": 8_192,
  "meta-llama-3-": 8_192,
  "llama-4": 320_000,
  codellama: 16_384,
  mistral: 32_768,
  "mistral-large": 128_000,
  "mistral-medium": 128_000,
  "mistral-small": 32_768,
  "mistral-nemo": 128_000,
  ministral: 128_000,
  magistral: 40_000,
  devstral: 128_000,
  mixtral: 32_768,
  "mixtral-8x22b": 65_536,
  codestral: 32_768,
  grok: 131_072,
  "grok-4": 256_000,
  "grok-code": 256_000,
  command: 4_096,
  "command-r": 128_000,
  "command-a": 256_000,
  phi: 16_384,
  "phi-3": 4_096,
  "nova-micro": 128_000,
  nova: 300_000,
  jamba: 256_000,
  minimax: 200_000,
};

const names = Object.keys(families).toSorted((a, b) => b.length - a.length);

/** Routers put the maker before the name (`anthropic/claude-…`), and so do clouds (`us.anthropic.claude-…`). */
export function contextTokens(model: string): number {
  const name = (model.toLowerCase().split("/").at(-1) ?? "").replace(/^(?:[a-z]+\.)+/, "");
  const family = names.find((each) => name.startsWith(each));
  return (family === undefined ? undefined : families[family]) ?? DEFAULT_TOKENS;
}
