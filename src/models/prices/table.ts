// What providers charge, in US dollars for a million tokens of text, at their usual speed. Read in stored copies of their
// own pages, or in what others have quoted of these; `as_of` is the day for which a copy holds. Prices in other
// currencies are left out, as is what was not found. docs/operating.md is made from this table.

/** Read from a cache; null where such tokens cost what others do. Then what puts tokens into a cache costs. */
type Rates = [input: number, cached_input: number | null, output: number, cache_write?: number];

interface Row {
  /** Names of models, separated by spaces. A date at the end of a name is left out. */
  names: string;
  rates: Rates;
  /** Of input that is longer than the first number, tokens of input and output cost so many times as much. */
  long?: [over: number, input: number, output: number];
  /** When the price begins to hold. Of several rows for a name the first that holds counts. */
  from?: string;
}

export interface PriceList {
  /** As in `find.ts`. */
  server: string;
  page: string;
  as_of: string;
  rows: Row[];
}

const over272k: Row["long"] = [272_000, 2, 1.5];
const over200k: Row["long"] = [200_000, 2, 1.5];
/** From 200,000 tokens on. */
const from200k: Row["long"] = [199_999, 2, 2];

export const priceLists: PriceList[] = [
  {
    server: "openai",
    page: "https://developers.openai.com/api/docs/pricing",
    as_of: "2026-10-27",
    rows: [
      { names: "gpt-6.1-sol", rates: [2, 0.1, 10, 2.5], long: over272k },
      { names: "gpt-6.1-terra", rates: [1, 0.05, 5, 1.25], long: over272k },
      { names: "gpt-6-sol", rates: [2, 0.2, 10, 2.5], long: over272k },
      { names: "gpt-6-luna", rates: [0.1, 0.01, 0.5, 0.125], long: over272k },
      { names: "gpt-5.6 gpt-5.6-sol", rates: [4, 0.4, 20, 5], long: over272k },
      { names: "gpt-5.6-terra", rates: [2, 0.2, 12, 2.5], long: over272k },
      { names: "gpt-5.6-luna", rates: [0.2, 0.02, 1, 0.25], long: over272k },
    ],
  },
  {
    server: "openai",
    page: "https://developers.openai.com/api/docs/pricing",
    as_of: "2026-07-02",
    rows: [
      { names: "gpt-5.5", rates: [5, 0.5, 30], long: over272k },
      { names: "gpt-5.4", rates: [2.5, 0.25, 15], long: over272k },
      { names: "gpt-5.5-pro gpt-5.4-pro", rates: [30, null, 180], long: over272k },
      { names: "gpt-5.4-mini", rates: [0.75, 0.075, 4.5] },
      { names: "gpt-5.4-nano", rates: [0.2, 0.02, 1.25] },
      {
        names: "gpt-5.3-codex gpt-5.3-chat-latest gpt-5.2 gpt-5.2-codex gpt-5.2-chat-latest",
        rates: [1.75, 0.175, 14],
      },
      { names: "gpt-5.2-pro", rates: [21, null, 168] },
      {
        names: "gpt-5.1 gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-chat-latest gpt-5 gpt-5-codex gpt-5-chat-latest",
        rates: [1.25, 0.125, 10],
      },
      { names: "gpt-5.1-codex-mini gpt-5-mini", rates: [0.25, 0.025, 2] },
      { names: "gpt-5-nano", rates: [0.05, 0.005, 0.4] },
      { names: "gpt-5-pro", rates: [15, null, 120] },
      { names: "gpt-4.1 o3", rates: [2, 0.5, 8] },
      { names: "gpt-4.1-mini", rates: [0.4, 0.1, 1.6] },
      { names: "gpt-4.1-nano", rates: [0.1, 0.025, 0.4] },
      { names: "gpt-4o-2024-05-13", rates: [5, null, 15] },
      { names: "gpt-4o", rates: [2.5, 1.25, 10] },
      { names: "gpt-4o-mini", rates: [0.15, 0.075, 0.6] },
      { names: "o4-mini", rates: [1.1, 0.275, 4.4] },
      { names: "o3-mini", rates: [1.1, 0.55, 4.4] },
      { names: "o3-pro", rates: [20, null, 80] },
      { names: "o1", rates: [15, 7.5, 60] },
    ],
  },
  {
    server: "anthropic",
    page: "https://platform.claude.com/docs/en/about-claude/pricing",
    as_of: "2026-10-24",
    rows: [
      { names: "claude-fable-5-1 claude-mythos-5-1", rates: [10, 0.25, 50, 12.5] },
      { names: "claude-fable-5 claude-mythos-5", rates: [10, 1, 50, 12.5] },
      { names: "claude-opus-5-5", rates: [4, 0.2, 20, 5] },
      {
        names: "claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5",
        rates: [5, 0.5, 25, 6.25],
      },
      { names: "claude-opus-4-1 claude-opus-4-0 claude-opus-4", rates: [15, 1.5, 75, 18.75] },
      { names: "claude-sonnet-5-5", rates: [2, 0.1, 10, 2.5] },
      { names: "claude-sonnet-5", rates: [2, 0.2, 10, 2.5] },
      {
        names: "claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4-0 claude-sonnet-4",
        rates: [3, 0.3, 15, 3.75],
      },
      { names: "claude-haiku-5-5", rates: [0.1, 0.01, 0.5, 0.125], long: [100_000, 5, 5] },
      { names: "claude-haiku-4-5", rates: [1, 0.1, 5, 1.25] },
      { names: "claude-3-5-haiku", rates: [0.8, 0.08, 4, 1] },
    ],
  },
  {
    server: "gemini",
    page: "https://ai.google.dev/gemini-api/docs/pricing",
    as_of: "2026-10-07",
    rows: [
      { names: "gemini-3.8-flash gemini-3.6-flash", rates: [1.5, 0.15, 7.5], from: "2027-01-01" },
      { names: "gemini-3.8-flash gemini-3.6-flash", rates: [0.75, 0.075, 3.75] },
    ],
  },
  {
    server: "gemini",
    page: "https://ai.google.dev/gemini-api/docs/pricing",
    as_of: "2026-07-02",
    rows: [
      { names: "gemini-3.5-flash", rates: [1.5, 0.15, 9] },
      { names: "gemini-3.1-pro-preview gemini-3-pro-preview", rates: [2, 0.2, 12], long: over200k },
      { names: "gemini-3.1-pro-preview-customtools", rates: [2, 0.2, 12], long: over200k },
      { names: "gemini-3-flash-preview", rates: [0.5, 0.05, 3] },
      { names: "gemini-3.1-flash-lite gemini-3.1-flash-lite-preview", rates: [0.25, 0.025, 1.5] },
      { names: "gemini-2.5-pro", rates: [1.25, 0.125, 10], long: over200k },
      { names: "gemini-2.5-flash", rates: [0.3, 0.03, 2.5] },
      { names: "gemini-2.5-flash-lite", rates: [0.1, 0.01, 0.4] },
    ],
  },
  {
    // The price of peak hours. At other hours, and on holidays in China, it charges half.
    server: "deepseek",
    page: "https://api-docs.deepseek.com/quick_start/pricing",
    as_of: "2026-10-27",
    rows: [
      { names: "deepseek-flash deepseek-v4-flash deepseek-v4-flash-vision-exp", rates: [0.3, 0.006, 1.2] },
      { names: "deepseek-v4-pro", rates: [1.32, 0.044, 3.96] },
    ],
  },
  {
    server: "kimi",
    page: "https://platform.kimi.ai/docs/pricing/chat",
    as_of: "2026-07-18",
    rows: [
      { names: "kimi-k3", rates: [3, 0.3, 15] },
      { names: "kimi-k2.7-code", rates: [0.95, 0.19, 4] },
      { names: "kimi-k2.7-code-highspeed", rates: [1.9, 0.38, 8] },
      { names: "kimi-k2.6", rates: [0.95, 0.16, 4] },
      { names: "kimi-k2.5", rates: [0.6, 0.1, 3] },
    ],
  },
  {
    server: "glm",
    page: "https://docs.z.ai/guides/overview/pricing",
    as_of: "2026-08-20",
    rows: [
      { names: "glm-5.3 glm-5.2 glm-5.1", rates: [1.4, 0.26, 4.4] },
      { names: "glm-5-turbo glm-5v-turbo", rates: [1.2, 0.24, 4] },
      { names: "glm-5", rates: [1, 0.2, 3.2] },
      { names: "glm-4.7 glm-4.6 glm-4.5", rates: [0.6, 0.11, 2.2] },
      { names: "glm-4.7-flashx", rates: [0.07, 0.01, 0.4] },
      { names: "glm-4.6v", rates: [0.3, null, 0.9] },
      { names: "glm-4.5-air", rates: [0.2, 0.03, 1.1] },
      { names: "glm-4.7-flash glm-4.5-flash", rates: [0, null, 0] },
    ],
  },
  {
    server: "minimax",
    page: "https://platform.minimax.io/docs/guides/pricing-paygo",
    as_of: "2026-09-11",
    rows: [
      { names: "minimax-m3", rates: [0.3, 0.06, 1.2], long: [512_000, 2, 2] },
      { names: "minimax-m2.7", rates: [0.3, 0.06, 1.2] },
      { names: "minimax-m2.7-highspeed minimax-m2.5-highspeed", rates: [0.6, 0.06, 2.4] },
      { names: "minimax-m2.5 minimax-m2.1", rates: [0.3, 0.03, 1.2] },
    ],
  },
  {
    server: "qwen",
    page: "https://www.alibabacloud.com/help/en/model-studio/model-pricing",
    as_of: "2026-07-02",
    rows: [
      { names: "qwen3.7-max", rates: [2.5, 0.5, 7.5, 3.125] },
      { names: "qwen3.7-plus qwen3.6-plus", rates: [0.5, 0.05, 3, 0.625], long: [256_000, 4, 2] },
    ],
  },
  {
    server: "mistral",
    page: "https://docs.mistral.ai/inference/pricing",
    as_of: "2026-07-02",
    rows: [
      { names: "mistral-medium-3.5 mistral-medium-3-5 mistral-medium-2604", rates: [1.5, null, 7.5] },
      { names: "mistral-large-2512", rates: [0.5, null, 1.5] },
      { names: "mistral-small-2603", rates: [0.15, null, 0.6] },
      { names: "devstral-2512", rates: [0.4, null, 2] },
    ],
  },
  {
    server: "xai",
    page: "https://docs.x.ai/developers/pricing",
    as_of: "2026-09-29",
    rows: [
      { names: "grok-4.7 grok-4.6", rates: [2, 0.5, 6], long: from200k },
      {
        names: "grok-4.3 grok-4.20-0309-reasoning grok-4.20-0309-non-reasoning",
        rates: [1.25, 0.2, 2.5],
        long: from200k,
      },
      { names: "grok-build-0.1", rates: [1, 0.2, 2], long: from200k },
    ],
  },
  {
    server: "groq",
    page: "https://console.groq.com/docs/models",
    as_of: "2026-07-02",
    rows: [
      { names: "gpt-oss-120b", rates: [0.15, 0.075, 0.6] },
      { names: "gpt-oss-20b", rates: [0.075, 0.0375, 0.3] },
      { names: "llama-3.3-70b-versatile", rates: [0.59, null, 0.79] },
      { names: "llama-3.1-8b-instant", rates: [0.05, null, 0.08] },
      { names: "llama-4-scout-17b-16e-instruct", rates: [0.11, null, 0.34] },
      { names: "qwen3-32b", rates: [0.29, null, 0.59] },
    ],
  },
  {
    server: "workers-ai",
    page: "https://developers.cloudflare.com/workers-ai/platform/pricing/",
    as_of: "2026-07-02",
    rows: [
      { names: "gpt-oss-120b", rates: [0.35, null, 0.75] },
      { names: "gpt-oss-20b", rates: [0.2, null, 0.3] },
      { names: "kimi-k2.7-code", rates: [0.95, 0.19, 4] },
      { names: "kimi-k2.6", rates: [0.95, 0.16, 4] },
      { names: "glm-5.2", rates: [1.4, 0.26, 4.4] },
      { names: "glm-4.7-flash", rates: [0.0605, null, 0.4] },
      { names: "qwen3-30b-a3b-fp8", rates: [0.0509, null, 0.335] },
      { names: "gemma-4-26b-a4b-it", rates: [0.1, null, 0.3] },
      { names: "llama-3.3-70b-instruct-fp8-fast", rates: [0.293, null, 2.253] },
      { names: "llama-4-scout-17b-16e-instruct", rates: [0.27, null, 0.85] },
      { names: "mistral-small-3.1-24b-instruct", rates: [0.351, null, 0.555] },
      { names: "nemotron-3-120b-a12b", rates: [0.5, null, 1.5] },
    ],
  },
];
