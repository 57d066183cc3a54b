// Whole conversations with each provider: known by its address, by the model's name alone, by MODEL_PROFILE alone, or
// by nothing but its refusals.

import { describe, expect, it } from "vitest";
import { serverNames } from "../../../src/models/index.ts";
import { familyOf } from "../../../src/models/profiles/families.ts";
import type { UserContent } from "../../../src/protocol/message.ts";
import { isShort } from "../../setup/run-count.ts";
import { buildShop, Conversation, inXml, openConnection, play } from "./conversation.ts";
import { aiGatewayWorkersAi } from "./providers/ai-gateway.ts";
import { azureResponses } from "./providers/azure.ts";
import { providers } from "./providers/index.ts";
import { kimi } from "./providers/kimi.ts";
import { ollama } from "./providers/ollama.ts";
import { openai, openaiCodex, openaiNewest, openaiUnverified } from "./providers/openai.ts";
import { behindProxy } from "./server.ts";
import type { Provider } from "./wire.ts";

const unknown = "http://127.0.0.1:9/v1";
const finished = { status: "completed", text: "The shop is ready." };

/** They want the key in a place where other servers must not get it, so their address or MODEL_PROFILE must say so. */
const unguessable = new Set(["azure", "ai-gateway"]);

/** What the server accepts of an image, and how often it refuses before. */
const sent = { has_image: true, has_note: false, refusals: 0 };
const imageResults: Record<Provider["images"], typeof sent> = {
  seen: sent,
  // The product can't know it, and an image that nobody sees does no harm.
  ignored: sent,
  refused: { has_image: false, has_note: true, refusals: 1 },
  left_out: { has_image: false, has_note: true, refusals: 0 },
};

/** What nothing but a refusal shows. */
const learned = new Set(["refuses a summary to an organization that is not verified"]);
const unlearned = (list: { rule: string }[]) => names(list).filter((name) => !learned.has(name));

const names = (list: { rule: string }[]) => list.map(({ rule }) => rule);
const each = providers.map((provider) => [`${provider.profile} ${provider.model}`, provider] as const);

describe.each(each)("%s", (_name, provider) => {
  it("plans, works with three tools at once, survives a broken reply, and finishes without a refusal", async () => {
    const connection = openConnection(provider, play(...buildShop("CANARY")));
    const conversation = new Conversation([connection]);
    const end = await conversation.say("build me a shop", connection.name);
    expect(unlearned(connection.server.refused)).toEqual([]);
    expect(names(connection.server.missed)).toEqual([]);
    expect(end).toMatchObject(finished);
    expect(conversation.plan.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(conversation.worked.sort()).toEqual([1, 2, 3, 4]);
  });

  it.skipIf(unguessable.has(provider.profile))(
    "finishes by the model's name alone, after one refusal at most",
    async () => {
      const connection = openConnection(provider, play(...buildShop("CANARY")), { base_url: unknown, profile: null });
      const end = await new Conversation([connection]).say("build me a shop", connection.name);
      expect(unlearned(connection.server.refused).slice(1)).toEqual([]);
      expect(end).toMatchObject(finished);
    },
  );

  it("continues after a restart at any request, with what the provider wants back", async () => {
    for (const moment of isShort ? [3] : [1, 3, 5]) {
      const script = play(...buildShop("CANARY"));
      const connection = openConnection(provider, (request, turn) => {
        if (turn === moment) conversation.crash();
        // The reply to a request of an ended life is lost, and the next life asks again.
        return script(request, turn > moment ? turn - 1 : turn);
      });
      const conversation = new Conversation([connection]);
      expect(await conversation.say("build me a shop", connection.name)).toMatchObject(finished);
      expect(unlearned(connection.server.refused)).toEqual([]);
      expect(names(connection.server.missed)).toEqual([]);
    }
  });

  it("works for an agent that writes its calls as text", async () => {
    const connection = openConnection(provider, play(...inXml(buildShop("CANARY"))));
    const conversation = new Conversation([connection], { agent: { tool_format: "xml" } });
    expect(await conversation.say("build me a shop", connection.name)).toMatchObject(finished);
    expect(unlearned(connection.server.refused)).toEqual([]);
    expect(conversation.worked.sort()).toEqual([1, 2, 3, 4]);
    expect(conversation.plan.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  it("takes an image, or gets a note in its place", async () => {
    const connection = openConnection(provider, play({ text: "I see." }, { text: "Still here." }));
    const conversation = new Conversation([connection]);
    expect(await conversation.say(picture, connection.name)).toMatchObject({ status: "completed", text: "I see." });
    expect(await conversation.say("and now?", connection.name)).toMatchObject({ status: "completed" });
    const accepted = JSON.stringify(connection.server.accepted.map(({ messages }) => messages));
    expect({
      has_image: accepted.includes("image_url"),
      has_note: accepted.includes("an image is left out here"),
      refusals: unlearned(connection.server.refused).length,
    }).toEqual(imageResults[provider.images]);
  });

  it("continues from a summary, and forgets what it wanted back for what was summarized", async () => {
    const steps = Array.from({ length: 12 }, (_, n) => ({
      reasoning: `CANARY step ${n}`,
      calls: [{ name: "work", arguments: { n } }],
    }));
    let turn = 0;
    const connection = openConnection(provider, (request) => {
      if (request.tools.length === 0) return { text: "SUMMARY: some work was done." };
      return steps[turn++] ?? { text: "Done." };
    });
    const conversation = new Conversation([connection], {
      context_tokens: 14_000,
      work: ({ n }) => `result ${n} ${"lorem ipsum dolor ".repeat(400)}`,
    });
    expect(await conversation.say("work", connection.name)).toMatchObject({ status: "completed", text: "Done." });
    expect(unlearned(connection.server.refused)).toEqual([]);
    expect(JSON.stringify(connection.server.accepted.at(-1)?.messages)).toContain("SUMMARY: some work was done.");
    expect(conversation.extras.join()).not.toContain("CANARY step 0");
  });

  it.skipIf(unguessable.has(provider.profile))("learns by refusals alone, under a name that says nothing", async () => {
    const options = { base_url: unknown, model: "house-model", profile: null };
    const connection = openConnection(provider, play(...buildShop("CANARY")), options);
    const end = await new Conversation([connection]).say("build me a shop", connection.name);
    expect([end, names(connection.server.refused)]).toEqual([expect.objectContaining(finished), expect.anything()]);
    // Each refusal has taught something, so none comes twice.
    expect(new Set(names(connection.server.refused)).size).toBe(connection.server.refused.length);
  });
});

/** What depends on which model answers, and a name of one's own does not say that. */
const unknowable = new Map<Provider, string[]>([
  [openai, ["refuses tools while a newer model reasons"]],
  [openaiNewest, ["refuses tools while a newer model reasons"]],
  [openaiCodex, ["refuses a model that only the Responses API serves"]],
  [
    openaiUnverified,
    ["refuses tools while a newer model reasons", "refuses a summary to an organization that is not verified"],
  ],
  [azureResponses, ["refuses tools while a newer model reasons"]],
  [aiGatewayWorkersAi, ["asks for a limit, without which a reply ends after 256 tokens"]],
]);

describe.each(serverNames)("a proxy with its own names for models, and MODEL_PROFILE=%s", (profile) => {
  const own = providers.filter((provider) => provider.profile === profile);

  it.each(own.map((provider) => [`${provider.model} at ${provider.base_url}`, provider] as const))(
    "is asked for what the provider behind it wants: %s",
    async (_name, provider) => {
      const options = { base_url: unknown, model: "house-model", profile };
      const connection = openConnection(behindProxy(provider), play(...buildShop("CANARY")), options);
      const end = await new Conversation([connection]).say("build me a shop", connection.name);
      const { refused, missed } = connection.server;
      expect(new Set(names([...refused, ...missed]))).toEqual(new Set(unknowable.get(provider)));
      expect(end).toMatchObject(finished);
    },
  );
});

it("needs no more than the name kimi-k2-thinking, at any address", async () => {
  const options = { base_url: unknown, model: "kimi-k2-thinking", profile: null };
  const connection = openConnection(kimi, play(...buildShop("CANARY")), options);
  expect(await new Conversation([connection]).say("build me a shop", connection.name)).toMatchObject(finished);
  expect(unlearned(connection.server.refused)).toEqual([]);
});

describe("a model whose server knows no tools for it", () => {
  it("writes its calls as text after one refusal, also in a later life", async () => {
    const script = play(...inXml(buildShop("CANARY")));
    const connection = openConnection(
      ollama,
      (request, turn) => {
        if (turn === 3) conversation.crash();
        return script(request, turn > 3 ? turn - 1 : turn);
      },
      { model: "gemma3:12b" },
    );
    const conversation = new Conversation([connection]);
    expect(await conversation.say("build me a shop", connection.name)).toMatchObject(finished);
    expect(names(connection.server.refused)).toEqual(["refuses tools for a model whose template has none"]);
    expect(conversation.plan.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });
});

const picture: UserContent = [
  { type: "text", text: "what is this?" },
  { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
];

/** Plans and works one step, then answers. Reasoning has the canary of its provider. */
function steps(canary: string): Parameters<typeof play> {
  const work = (n: number) => ({
    reasoning: `${canary} ${n}`,
    text: `Working on ${n}.`,
    calls: [
      { name: "work", arguments: { n } },
      { name: "work", arguments: { n: n + 100 } },
    ],
  });
  return [
    work(1),
    { reasoning: `${canary} end 1`, text: "First part." },
    work(2),
    { reasoning: `${canary} end 2`, text: "Third part." },
  ];
}

/**
 * One of any two begins, so each does with half of the others; with ALL_PAIRS=1 both do, which takes twice as long.
 * `npm test` has a seventh of the pairs, in which each provider is with others of any kind.
 */
function beginsWith(one: number, other: number): boolean {
  if (process.env.ALL_PAIRS !== undefined) return one !== other;
  if (isShort && (one + other) % 7 !== 0) return false;
  const isEven = (one + other) % 2 === 0;
  return isEven ? one < other : one > other;
}

describe("a thread that changes between providers", () => {
  // One test for each provider that begins: all pairs in one would take longer than a test may.
  it.each(each)(
    "%s: continues after each change to another, back and there again, with an image, and no server sees what is another's",
    async (_name, one) => {
      const at = providers.indexOf(one);
      for (const other of providers.filter((_, place) => beginsWith(at, place))) {
        const here = openConnection(one, play(...steps("CANARY-ONE")));
        const there = openConnection(other, play(...steps("CANARY-OTHER")));
        const conversation = new Conversation([here, there]);
        const pair = `${one.model} at ${one.base_url} and ${other.model} at ${other.base_url}`;
        const said = [
          await conversation.say(picture, here.name),
          await conversation.say("go on", there.name),
          await conversation.say("and now?", here.name),
          await conversation.say("to the end", there.name),
        ];
        expect([pair, ...said.map(({ status, error }) => error ?? status)]).toEqual([
          pair,
          ...said.map(() => "completed"),
        ]);
        // Which models see images is in no table for a server of one's own: that is learned from one refusal.
        const refused = [...unlearned(here.server.refused), ...unlearned(there.server.refused)];
        expect([pair, ...refused.filter((name) => !/an image/.test(name))]).toEqual([pair]);
        const [mine, theirs] = [here.server.received.join(), there.server.received.join()];
        const secrets = [
          mine.includes(there.api_key),
          mine.includes(there.gateway_token),
          theirs.includes(here.api_key),
        ];
        expect([pair, ...secrets]).toEqual([pair, false, false, false]);
        const [mineIs, theirsIs] = [here, there].map(
          ({ base_url, model }) => `${new URL(base_url).host} ${familyOf(model)}`,
        );
        if (mineIs === theirsIs) continue;
        expect([pair, mine.includes("CANARY-OTHER"), theirs.includes("CANARY-ONE")]).toEqual([pair, false, false]);
      }
    },
  );
});
