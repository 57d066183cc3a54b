import { describe, expect, it } from "vitest";
import { type Env, readConfig } from "../config.ts";
import { describeServedModel } from "./describe.ts";

function providerAt(base_url: string): string {
  const MODEL_SERVERS = JSON.stringify({ own: { base_url, key: "sk-0123456789" } });
  const { models } = readConfig({ MODEL_SERVERS } as unknown as Env);
  return describeServedModel(models, "own/a-model")["gen_ai.provider.name"];
}

describe("who serves a model", () => {
  // The values that https://github.com/open-telemetry/semantic-conventions-genai lists have to be used where one fits.
  it.each([
    ["https://api.openai.com/v1", "openai"],
    ["https://api.anthropic.com/v1", "anthropic"],
    ["https://name.openai.azure.com/openai/v1", "azure.ai.openai"],
    ["https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini"],
    ["https://europe-west1-aiplatform.googleapis.com/v1/openai", "gcp.vertex_ai"],
    ["https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", "aws.bedrock"],
    ["https://api.mistral.ai/v1", "mistral_ai"],
    ["https://api.moonshot.ai/v1", "moonshot_ai"],
    ["https://api.moonshot.cn/v1", "moonshot_ai"],
    ["https://api.x.ai/v1", "x_ai"],
    ["https://api.deepseek.com", "deepseek"],
    ["https://api.groq.com/openai/v1", "groq"],
    ["https://api.perplexity.ai", "perplexity"],
    ["https://api.cohere.ai/compatibility/v1", "cohere"],
    ["https://eu-de.ml.cloud.ibm.com/ml/v1", "ibm.watsonx.ai"],
    // No word fits: the profile's name, or what the operator calls it.
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://notx.ai/v1", "own"],
    ["http://127.0.0.1:8000/v1", "own"],
  ])("at %s is %s", (base_url, provider) => {
    expect(providerAt(base_url)).toBe(provider);
  });
});
