// What providers charge, in US dollars for a million tokens of text, at their usual speed. Read in stored copies of their
// own pages (sources.ts), or in what others have quoted of these; the date of a list is the day for which a copy holds.
// Prices in other currencies are left out, as is what was not found. docs/operating.md is made from this table.
//
// A line has names of models without a date at their end, and what input, cached input (`-`: what other input does),
// output and, if that costs something of its own, writing to a cache costs. Behind `>`: of a request with more input
// than so many tokens, input and output cost so many times as much. Behind `@`: from which day on. Of several lines for
// a name the first that holds counts. As text the table takes a third of the space.
export const priceLists: Record<string, string> = {
  // The lower price of GPT-5.6 Sol is promised until the day before the higher one, and perhaps longer.
  "openai 2026-10-27": `
    gpt-6.1-sol: 2 0.1 10 2.5 > 272000 2 1.5
    gpt-6.1-terra: 1 0.05 5 1.25 > 272000 2 1.5
    gpt-6-sol: 2 0.2 10 2.5 > 272000 2 1.5
    gpt-6-luna: 0.1 0.01 0.5 0.125 > 272000 2 1.5
    gpt-5.6 gpt-5.6-sol: 5 0.5 30 6.25 > 272000 2 1.5 @ 2026-11-22
    gpt-5.6 gpt-5.6-sol: 4 0.4 20 5 > 272000 2 1.5
    gpt-5.6-terra: 2 0.2 12 2.5 > 272000 2 1.5
    gpt-5.6-luna: 0.2 0.02 1.2 0.25 > 272000 2 1.5
  `,
  "openai 2026-07-02": `
    gpt-5.5: 5 0.5 30 > 272000 2 1.5
    gpt-5.4: 2.5 0.25 15 > 272000 2 1.5
    gpt-5.5-pro gpt-5.4-pro: 30 - 180 > 272000 2 1.5
    gpt-5.4-mini: 0.75 0.075 4.5
    gpt-5.4-nano: 0.2 0.02 1.25
    gpt-5.3-codex gpt-5.3-chat-latest gpt-5.2 gpt-5.2-codex gpt-5.2-chat-latest: 1.75 0.175 14
    gpt-5.2-pro: 21 - 168
    gpt-5.1 gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-chat-latest gpt-5 gpt-5-codex gpt-5-chat-latest: 1.25 0.125 10
    gpt-5.1-codex-mini gpt-5-mini: 0.25 0.025 2
    gpt-5-nano: 0.05 0.005 0.4
    gpt-5-pro: 15 - 120
    gpt-4.1 o3: 2 0.5 8
    gpt-4.1-mini: 0.4 0.1 1.6
    gpt-4.1-nano: 0.1 0.025 0.4
    gpt-4o-2024-05-13: 5 - 15
    gpt-4o: 2.5 1.25 10
    gpt-4o-mini: 0.15 0.075 0.6
    o4-mini: 1.1 0.275 4.4
    o3-mini: 1.1 0.55 4.4
    o3-pro: 20 - 80
    o1: 15 7.5 60
  `,
  "anthropic 2026-10-24": `
    claude-fable-5-1 claude-mythos-5-1: 10 0.25 50 12.5
    claude-fable-5 claude-mythos-5: 10 1 50 12.5
    claude-opus-5-5: 4 0.2 20 5
    claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5: 5 0.5 25 6.25
    claude-opus-4-1 claude-opus-4-0 claude-opus-4: 15 1.5 75 18.75
    claude-sonnet-5-5: 2 0.1 10 2.5
    claude-sonnet-5: 2 0.2 10 2.5
    claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4-0 claude-sonnet-4: 3 0.3 15 3.75
    claude-haiku-5-5: 0.1 0.01 0.5 0.125 > 100000 5 5
    claude-haiku-4-5: 1 0.1 5 1.25
    claude-3-5-haiku: 0.8 0.08 4 1
  `,
  "gemini 2026-10-07": `
    gemini-3.8-flash gemini-3.6-flash: 1.5 0.15 7.5 @ 2027-01-01
    gemini-3.8-flash gemini-3.6-flash: 0.75 0.075 3.75
  `,
  "gemini 2026-07-02": `
    gemini-3.5-flash: 1.5 0.15 9
    gemini-3.1-pro-preview gemini-3-pro-preview: 2 0.2 12 > 200000 2 1.5
    gemini-3.1-pro-preview-customtools: 2 0.2 12 > 200000 2 1.5
    gemini-3-flash-preview: 0.5 0.05 3
    gemini-3.1-flash-lite gemini-3.1-flash-lite-preview: 0.25 0.025 1.5
    gemini-2.5-pro: 1.25 0.125 10 > 200000 2 1.5
    gemini-2.5-flash: 0.3 0.03 2.5
    gemini-2.5-flash-lite: 0.1 0.01 0.4
  `,
  // The prices of peak hours. At other hours, and on holidays in China, it charges half.
  "deepseek 2026-10-27": `
    deepseek-flash deepseek-v4-flash deepseek-v4-flash-vision-exp: 0.3 0.006 1.2
    deepseek-v4-pro: 1.32 0.044 3.96
  `,
  "kimi 2026-07-18": `
    kimi-k3: 3 0.3 15
    kimi-k2.7-code: 0.95 0.19 4
    kimi-k2.7-code-highspeed: 1.9 0.38 8
    kimi-k2.6: 0.95 0.16 4
    kimi-k2.5: 0.6 0.1 3
  `,
  "glm 2026-08-20": `
    glm-5.3 glm-5.2 glm-5.1: 1.4 0.26 4.4
    glm-5-turbo glm-5v-turbo: 1.2 0.24 4
    glm-5: 1 0.2 3.2
    glm-4.7 glm-4.6 glm-4.5: 0.6 0.11 2.2
    glm-4.7-flashx: 0.07 0.01 0.4
    glm-4.6v: 0.3 - 0.9
    glm-4.5-air: 0.2 0.03 1.1
    glm-4.7-flash glm-4.5-flash: 0 - 0
  `,
  "minimax 2026-09-11": `
    minimax-m3: 0.3 0.06 1.2 > 512000 2 2
    minimax-m2.7: 0.3 0.06 1.2
    minimax-m2.7-highspeed minimax-m2.5-highspeed: 0.6 0.06 2.4
    minimax-m2.5 minimax-m2.1: 0.3 0.03 1.2
  `,
  "qwen 2026-07-02": `
    qwen3.7-max: 2.5 0.5 7.5 3.125
    qwen3.7-plus qwen3.6-plus: 0.5 0.05 3 0.625 > 256000 4 2
  `,
  "mistral 2026-07-02": `
    mistral-medium-3.5 mistral-medium-3-5 mistral-medium-2604: 1.5 - 7.5
    mistral-large-2512: 0.5 - 1.5
    mistral-small-2603: 0.15 - 0.6
    devstral-2512: 0.4 - 2
  `,
  // The higher price begins with the 200,000th token itself.
  "xai 2026-09-29": `
    grok-4.7 grok-4.6: 2 0.5 6 > 199999 2 2
    grok-4.3 grok-4.20-0309-reasoning grok-4.20-0309-non-reasoning: 1.25 0.2 2.5 > 199999 2 2
    grok-build-0.1: 1 0.2 2 > 199999 2 2
  `,
  "groq 2026-07-02": `
    gpt-oss-120b: 0.15 0.075 0.6
    gpt-oss-20b: 0.075 0.0375 0.3
    llama-3.3-70b-versatile: 0.59 - 0.79
    llama-3.1-8b-instant: 0.05 - 0.08
    llama-4-scout-17b-16e-instruct: 0.11 - 0.34
    qwen3-32b: 0.29 - 0.59
  `,
  "workers-ai 2026-07-02": `
    gpt-oss-120b: 0.35 - 0.75
    gpt-oss-20b: 0.2 - 0.3
    kimi-k2.7-code: 0.95 0.19 4
    kimi-k2.6: 0.95 0.16 4
    glm-5.2: 1.4 0.26 4.4
    glm-4.7-flash: 0.0605 - 0.4
    qwen3-30b-a3b-fp8: 0.0509 - 0.335
    gemma-4-26b-a4b-it: 0.1 - 0.3
    llama-3.3-70b-instruct-fp8-fast: 0.293 - 2.253
    llama-4-scout-17b-16e-instruct: 0.27 - 0.85
    mistral-small-3.1-24b-instruct: 0.351 - 0.555
    nemotron-3-120b-a12b: 0.5 - 1.5
  `,
};
