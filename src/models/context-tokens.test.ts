import { describe, expect, it } from "vitest";
import { contextTokens } from "./context-tokens.ts";

describe("contextTokens", () => {
  it.each([
    ["gpt-5", 272_000],
    ["gpt-5-mini-2025-08-07", 272_000],
    ["gpt-6.1-sol", 922_000],
    ["gpt-4o-mini", 128_000],
    ["gpt-4-0613", 8_192],
    ["o3-mini", 200_000],
    ["anthropic/claude-sonnet-4.5", 200_000],
    ["us.anthropic.claude-3-5-sonnet-20241022-v2:0", 200_000],
    ["models/gemini-2.5-pro", 1_000_000],
    ["Qwen/Qwen2.5-72B-Instruct", 32_768],
    ["qwen3-coder:480b", 256_000],
    ["llama3.1:8b", 128_000],
    ["meta-llama/Meta-Llama-3-8B-Instruct", 8_192],
    ["deepseek-chat", 128_000],
    ["deepseek-v4-pro", 1_000_000],
    ["kimi-k2-thinking", 256_000],
    ["moonshotai/kimi-k3", 256_000],
    ["glm-5", 200_000],
    ["z-ai/glm-5.2", 1_000_000],
    ["doubao-seed-2-0-pro-260215", 224_000],
    ["", 128_000],
    ["taskloom-scripted-demo", 128_000],
  ])("knows %s", (model, tokens) => {
    expect(contextTokens(model)).toBe(tokens);
  });
});
