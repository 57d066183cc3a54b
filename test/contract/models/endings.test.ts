// What providers say when they refuse or break off: each is understood for what it means, with the wait that the server
// asks for.
import { describe, expect, it } from "vitest";
import type { ModelOutcome } from "../../../src/agent/model.ts";
import { models } from "../../../src/models/index.ts";
import { forgetRules } from "../../../src/models/profiles/memory.ts";
import { providers } from "./providers/index.ts";
import { answerWith } from "./server.ts";
import type { Ending, Provider } from "./wire.ts";

const cases = providers.flatMap((provider) =>
  (provider.endings ?? []).map(
    (ending) => [`${provider.profile} ${provider.model}: ${ending.name}`, provider, ending] as const,
  ),
);

/** What people and programs get for each meaning. */
const reasons: Record<Ending["means"], string[]> = {
  too_long: ["context_too_long"],
  no_credit: ["no_credit"],
  // A server that is full is not a limit of this account. Both are waited out.
  rate_limited: ["rate_limited", "server_failed"],
  filtered: ["content_filtered"],
  broken: ["broken_reply", "server_failed"],
  invalid_key: ["invalid_key"],
  unknown_model: ["model_not_found"],
  tool_use_failed: ["broken_reply"],
};
const repeated = new Set<Ending["means"]>(["rate_limited", "broken", "tool_use_failed"]);

async function ask(provider: Provider, ending: Ending): Promise<{ outcome: ModelOutcome; requests: number }> {
  forgetRules();
  let requests = 0;
  const model = models.native({
    api_key: "key-0123456789",
    base_url: provider.base_url,
    fetch: async () => {
      requests++;
      return answerWith(ending, provider);
    },
  });
  const request = { model: provider.model, messages: [{ role: "user" as const, content: "hi" }], tools: [] };
  return { outcome: await model.stream(request, () => {}, new AbortController().signal), requests };
}

describe.each(cases)("%s", (_name, provider, ending) => {
  it(`means ${ending.means}, and the request is sent once`, async () => {
    const { outcome, requests } = await ask(provider, ending);
    expect(requests).toBe(1);
    // A filter may also stop a reply that has begun.
    if (ending.means === "filtered" && outcome.kind === "reply") expect(outcome.reply.finish).toBe("content_filter");
    else if (outcome.kind !== "failure") expect(outcome).toMatchObject({ kind: "failure" });
    else {
      const { reason, retryable, retry_after_ms, message } = outcome.failure;
      expect([message, reasons[ending.means]]).toEqual([message, expect.arrayContaining([reason])]);
      expect([message, retryable]).toEqual([message, repeated.has(ending.means)]);
      if (ending.wait_ms !== undefined) expect(retry_after_ms).toBe(ending.wait_ms);
    }
  });
});
