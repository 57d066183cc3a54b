// What a reply took, as each provider writes it down, and what of that reaches the run.
import { describe, expect, it } from "vitest";
import { Conversation, openConnection } from "./conversation.ts";
import { providers } from "./providers/index.ts";

/** Providers whose count does not say what came from a cache. */
const silent = /^(?:gemini|anthropic|mistral|ollama|ai-gateway anthropic|vllm (?!openai))/;

describe.each(providers.map((provider) => [`${provider.profile} ${provider.model}`, provider] as const))(
  "%s",
  (name, provider) => {
    it("counts the whole input and the whole output, with what was cached and reasoned", async () => {
      const usage = { input: 1000, cached: 500, written: 100, output: 60, reasoned: 40 };
      const connection = openConnection(provider, () => ({ reasoning: "Hm.", text: "Hello.", usage }));
      const end = await new Conversation([connection]).say("hi", connection.name);
      expect(end).toMatchObject({ status: "completed", text: "Hello." });
      expect(end.usage).toMatchObject({
        input_tokens: 1000,
        cached_input_tokens: silent.test(name) ? 0 : 500,
        output_tokens: 60,
        cost_usd: provider.profile === "openrouter" ? 0.00566 : null,
      });
    });
  },
);
