import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../../agent/model.ts";
import { readModelSettings } from "../../config/models.ts";
import { createModels } from "../index.ts";

const plain: ModelRequest = { model: "m", messages: [{ role: "user", content: "hi" }], tools: [] };

function answer(usage: Record<string, unknown> | null): typeof fetch {
  const chunk = {
    id: "c",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta: { content: "ok" }, finish_reason: "stop" }],
    ...(usage === null ? {} : { usage }),
  };
  return async () =>
    new Response(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`, {
      headers: { "content-type": "text/event-stream" },
    });
}

async function usageOf(
  usage: Record<string, unknown> | null,
  MODEL_PRICES: string,
  format: "native" | "xml",
  request = plain,
) {
  const env = { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "https://llm.example.com/v1", MODEL_PRICES };
  const model = createModels(readModelSettings(env), { fetch: answer(usage) })[format]();
  const outcome = await model.stream(request, () => {}, new AbortController().signal);
  if (outcome.kind !== "reply") throw new Error(JSON.stringify(outcome));
  return outcome.reply.usage;
}

describe.each(["native", "xml"] as const)("a reply of a model with tools as %s", (format) => {
  const counted = {
    prompt_tokens: 1000,
    completion_tokens: 10,
    total_tokens: 1010,
    prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 100 },
  };
  const prices = JSON.stringify({ m: { input: 1, cached_input: 0.1, cache_write: 1.25, output: 4 } });
  const usage = { input_tokens: 1000, cached_input_tokens: 600, output_tokens: 10 };

  it("costs what its tokens do", async () => {
    expect(await usageOf(counted, prices, format)).toEqual({ ...usage, cost_usd: 0.000525 });
  });

  it("costs what its provider says, if that says something", async () => {
    expect(await usageOf({ ...counted, cost: 7 }, prices, format)).toEqual({ ...usage, cost_usd: 7 });
  });

  it("costs the most that a faster tier can, if its agent asks for one", async () => {
    const request = { ...plain, options: { extra_body: { service_tier: "priority" } } };
    expect(await usageOf(counted, prices, format, request)).toEqual({ ...usage, cost_usd: 0.0013125 });
    const flex = { ...plain, options: { extra_body: { service_tier: "flex" } } };
    expect(await usageOf(counted, prices, format, flex)).toEqual({ ...usage, cost_usd: 0.000525 });
  });

  it("has an unknown cost without a price, and no count without one", async () => {
    expect(await usageOf(counted, "", format)).toEqual({ ...usage, cost_usd: null });
    expect(await usageOf(null, prices, format)).toBeNull();
  });
});
