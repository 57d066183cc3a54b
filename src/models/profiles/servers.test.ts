import { describe, expect, it } from "vitest";
import { bareName, familyOf } from "./families.ts";
import { plainProfile } from "./profile.ts";
import { chooseProfile, serverNames } from "./servers.ts";

const unknown = "http://127.0.0.1:9999/v1";

describe("chooseProfile", () => {
  it.each([
    ["kimi-k2-thinking", { ids: "kimi", reasoning: { field: "reasoning_content", on: "calls", required: true } }],
    ["accounts/fireworks/models/kimi-k2p6", { ids: "kimi", omits: ["temperature"] }],
    ["gemini-flash-latest", { signatures: "required" }],
    ["moonshotai/Kimi-K2.6", { ids: "kimi", omits: ["temperature"] }],
    ["deepseek-v4-pro", { images: false, reasoning: { field: "reasoning_content", on: "all", required: true } }],
    ["deepseek-flash", { images: true }],
    ["mistral-large-latest", { ids: "nine", bridges_results: true }],
    ["gemini-3-pro-preview", { signatures: "required" }],
    ["models/gemini-3.5-flash", { signatures: "required" }],
    ["gemini-2.5-flash", { signatures: "echo" }],
    ["MiniMax-M2", { thinks: true }],
    ["anthropic/claude-sonnet-4.5", { ids: "plain", cache_marks: "parts", details: true }],
    ["@cf/meta/llama-4-scout", { limit: { field: "max_tokens", required: true } }],
    ["gpt-5.6-terra", { api: "chat", reasons: true }],
    ["gpt-5.4", { adds: {}, reasons: true }],
    ["openai/gpt-4.1", { reasons: false }],
    ["gpt-5.1-chat-latest", { reasons: false }],
  ])("knows %s by its name alone", (model, expected) => {
    expect(chooseProfile(null, unknown, model)).toMatchObject(expected);
  });

  it.each([
    ["https://api.groq.com/openai/v1", "moonshotai/kimi-k2-instruct", { reasoning: { field: null }, details: false }],
    [
      "https://openrouter.ai/api/v1",
      "deepseek/deepseek-v4-pro",
      { reasoning: { field: null }, details: true, images: false },
    ],
    ["https://api.anthropic.com/v1", "claude-sonnet-5", { cache_marks: "none", limit: { required: true } }],
    ["https://x.openai.azure.com/openai/v1/", "my-deployment", { auth: "api-key" }],
    [
      "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
      "qwen3-max",
      { cache_marks: "parts", limit: { field: "max_completion_tokens" } },
    ],
    ["https://api.z.ai/api/paas/v4", "glm-5", { adds: { tool_stream: true } }],
  ])("puts what %s needs over what %s needs", (base_url, model, expected) => {
    expect(chooseProfile(null, base_url, model)).toMatchObject(expected);
  });

  it.each([
    ["deepseek", { reasoning: { field: "reasoning_content", required: true } }],
    ["kimi", { ids: "kimi" }],
    ["minimax", { thinks: true }],
    ["gemini", { signatures: "required" }],
    ["glm", { adds: { tool_stream: true } }],
  ])("takes the setting %s for what its models need, under a name that says nothing", (name, expected) => {
    expect(chooseProfile(name, unknown, "house-model")).toMatchObject(expected);
  });

  it.each([
    ["workers-ai/v1", "@cf/meta/llama-4", { limit: { required: true }, opens_gateway: true }],
    ["compat", "workers-ai/@cf/meta/llama-4", { limit: { required: true }, opens_gateway: true }],
    ["compat", "anthropic/claude-sonnet-5", { limit: { required: true }, ids: "plain" }],
    ["mistral/v1", "mistral-large", { omits: ["stream_options"] }],
    ["compat", "google-ai-studio/gemini-3-pro", { signatures: "required" }],
    ["azure-openai/x/y", "my-deployment", { auth: "api-key", opens_gateway: true }],
  ])("knows the server behind the gateway by the path %s and the name %s", (path, model, expected) => {
    expect(chooseProfile(null, `https://gateway.ai.cloudflare.com/v1/acc/gw/${path}`, model)).toMatchObject(expected);
  });

  it.each([
    ["https://api.openai.com/v1", "gpt-6.1-sol", "responses"],
    ["https://eu.api.openai.com/v1", "gpt-5-mini", "responses"],
    ["https://api.openai.com/v1", "o4-mini", "responses"],
    ["https://api.openai.com/v1", "gpt-5.3-codex", "responses"],
    ["https://api.openai.com/v1", "o1-pro", "responses"],
    ["https://api.openai.com/v1", "gpt-5-chat-latest", "chat"],
    ["https://api.openai.com/v1", "gpt-4.1", "chat"],
    ["https://api.openai.com/v1", "ft:house", "chat"],
    ["https://x.openai.azure.com/openai/v1", "gpt-5.6-terra", "responses"],
    ["https://x.openai.azure.com/openai/v1", "gpt-5.1", "chat"],
    ["https://x.openai.azure.com/openai/v1", "my-deployment", "chat"],
    ["https://x.openai.azure.com/openai/deployments/gpt-5.6?api-version=1", "gpt-5.6", "chat"],
    ["https://gateway.ai.cloudflare.com/v1/acc/gw/openai", "gpt-5.6-terra", "responses"],
    ["https://gateway.ai.cloudflare.com/v1/acc/gw/compat", "openai/gpt-5.6-terra", "chat"],
    ["https://openrouter.ai/api/v1", "openai/gpt-6.1-sol", "chat"],
    [unknown, "gpt-6.1-sol", "chat"],
  ])("asks at %s for %s at %s", (base_url, model, api) => {
    expect(chooseProfile(null, base_url, model).api).toBe(api);
  });

  it("follows the setting before the address", () => {
    expect(chooseProfile("vllm", "https://api.openai.com/v1", "m")).toMatchObject({ merges_messages: true });
    expect(chooseProfile("workers-ai", unknown, "m").limit.required).toBe(true);
  });

  it("asks a server and model that nobody knows for nothing special", () => {
    expect(chooseProfile(null, unknown, "house-model-1")).toEqual(plainProfile);
    expect(chooseProfile(null, "not an address", "house-model-1")).toEqual(plainProfile);
  });

  it("is not misled by hosts that only contain a provider's name", () => {
    for (const host of ["api.groq.com.example.org", "notopenrouter.ai", "api.openai.com.evil.example"]) {
      expect(chooseProfile(null, `https://${host}/v1`, "m"), host).toEqual(plainProfile);
    }
  });

  it("declares the servers of the documentation", () => {
    expect(serverNames).toEqual(
      expect.arrayContaining([
        "openai",
        "azure",
        "deepseek",
        "kimi",
        "qwen",
        "glm",
        "minimax",
        "openrouter",
        "gemini",
        "anthropic",
        "mistral",
        "groq",
        "bedrock",
        "workers-ai",
        "ai-gateway",
        "litellm",
        "vllm",
        "llama-cpp",
        "ollama",
      ]),
    );
  });
});

describe("familyOf", () => {
  it("is the same for versions of a model of one maker, and differs between makers", () => {
    expect(familyOf("us.anthropic.claude-opus-5-v1:0")).toBe(familyOf("claude-sonnet-4.5"));
    expect(familyOf("anthropic/claude-opus-5")).toBe(familyOf("Anthropic/claude-sonnet-4.5"));
    expect(familyOf("house-model-1")).toBe(familyOf("house-model-2"));
    const others = ["gpt-5", "gpt-oss-120b", "claude-4", "house-1", "kimi-k3", "evil/claude-4", "01-ai/4x", "evil/9y"];
    expect(new Set(others.map(familyOf)).size).toBe(others.length);
  });

  it("removes the maker from a name", () => {
    expect(bareName("accounts/fireworks/models/Kimi-K2p5")).toBe("kimi-k2p5");
  });
});
