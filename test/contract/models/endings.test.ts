// What providers say when they refuse or break off: each is understood for what it means, with the wait that the server
// asks for.
import { describe, expect, it } from "vitest";
import type { ModelOutcome } from "../../../src/agent/model.ts";
import { models } from "../../../src/models/index.ts";
import { forgetRules } from "../../../src/models/profiles/rules.ts";
import { providers } from "./providers/index.ts";
import { answerWith } from "./server.ts";
import type { Ending, Provider } from "./wire.ts";

type Api = "chat" | "responses";

/** Models of one provider share their endings. */
const endings = new Map(
  providers.flatMap((provider) => [
    ...(provider.endings ?? []).map((ending) => [ending, { provider, api: "chat" as Api }] as const),
    ...(provider.responses?.endings ?? []).map((ending) => [ending, { provider, api: "responses" as Api }] as const),
  ]),
);

/** What people and programs get for each meaning, and whether the request is worth a repeat. */
const outcomes: Record<Ending["means"], { reason: string; retryable: boolean }> = {
  too_long: { reason: "context_too_long", retryable: false },
  no_credit: { reason: "no_credit", retryable: false },
  rate_limited: { reason: "rate_limited", retryable: true },
  overloaded: { reason: "server_failed", retryable: true },
  filtered: { reason: "content_filtered", retryable: false },
  broken: { reason: "broken_reply", retryable: true },
  failed_in_reply: { reason: "server_failed", retryable: true },
  invalid_key: { reason: "invalid_key", retryable: false },
  unknown_model: { reason: "model_not_found", retryable: false },
  tool_use_failed: { reason: "broken_reply", retryable: true },
};

function expectedOutcome({ means, refusal }: Ending): { reason: string; retryable: boolean } {
  // Providers say with 429 both that they are full and that an account asks too often, so the status decides.
  return means === "overloaded" && refusal?.status === 429 ? outcomes.rate_limited : outcomes[means];
}

/** Whether a filter stopped a reply that had begun: what was said stays, and the loop says why it ends. */
function isCutByFilter({ means, chunks }: Ending): boolean {
  return means === "filtered" && chunks !== undefined && !JSON.stringify(chunks.at(-1)).includes('"error"');
}

async function ask(provider: Provider, api: Api, ending: Ending): Promise<{ outcome: ModelOutcome; requests: number }> {
  forgetRules();
  let requests = 0;
  const model = models.native({
    api_key: "key-0123456789",
    base_url: provider.base_url,
    api,
    fetch: async () => {
      requests++;
      return answerWith(ending, api === "chat");
    },
  });
  const request = { model: provider.model, messages: [{ role: "user" as const, content: "hi" }], tools: [] };
  return { outcome: await model.stream(request, () => {}, new AbortController().signal), requests };
}

describe.each(
  [...endings].map(
    ([ending, { provider, api }]) => [`${provider.profile} (${api}): ${ending.name}`, provider, api, ending] as const,
  ),
)("%s", (_name, provider, api, ending) => {
  it(`means ${ending.means}, and the request is sent once`, async () => {
    const { outcome, requests } = await ask(provider, api, ending);
    expect(requests).toBe(1);
    if (isCutByFilter(ending)) {
      expect(outcome).toMatchObject({ kind: "reply", reply: { finish: "content_filter" } });
      return;
    }
    const failure = expectedOutcome(ending);
    // Nobody waits before a request that is not repeated.
    const wait = failure.retryable ? { retry_after_ms: ending.wait_ms ?? null } : {};
    expect(outcome).toMatchObject({ kind: "failure", failure: { ...failure, ...wait } });
  });

  it("has a public source, and is a refusal or a reply, with a wait only where waiting helps", () => {
    const { source, refusal, chunks, means, wait_ms } = ending;
    expect(source).toMatch(/^https:\/\/[\w.-]+\/\S+$/);
    expect([refusal, chunks].filter(Boolean)).toHaveLength(1);
    // Some providers refuse with status 200.
    if (refusal) expect(refusal.status === 200 || refusal.status >= 400).toBe(true);
    if (wait_ms !== undefined) expect(["rate_limited", "overloaded"]).toContain(means);
  });
});

describe("the endings", () => {
  it("have names that differ within a provider", () => {
    for (const { endings = [], responses } of providers) {
      for (const own of [endings, responses?.endings ?? []]) {
        expect(new Set(own.map(({ name }) => name)).size).toBe(own.length);
      }
    }
  });

  it("show every meaning", () => {
    const shown = new Set([...endings.keys()].map(({ means }) => means));
    expect([...shown].toSorted()).toEqual(Object.keys(outcomes).toSorted());
  });

  it.each(["openai", "azure", "deepseek", "kimi", "qwen", "glm", "minimax"])(
    "of %s have a limit, a filter and a wrong key",
    (profile) => {
      const own = providers.filter((provider) => provider.profile === profile).flatMap(({ endings = [] }) => endings);
      const meanings = own.map(({ means }) => (means === "overloaded" ? "rate_limited" : means));
      expect(meanings).toEqual(expect.arrayContaining(["rate_limited", "filtered", "invalid_key"]));
    },
  );
});
