// Chat completions or the Responses API: which is asked, what a refusal changes about it, and what goes back.
import { afterEach, describe, expect, it } from "vitest";
import {
  type Asked,
  chat,
  house,
  noRoute,
  open,
  openai,
  refuse,
  responses,
  say,
  sayChat,
  sayResponses,
  useResponses,
} from "../../test/contract/models/fake-apis.ts";
import { streamEvents } from "../../test/contract/models/responses-streams.ts";
import type { WireRequest } from "../../test/contract/models/wire.ts";
import type { ModelMessage } from "../agent/model.ts";
import { forgetRules, knownRules } from "./profiles/rules.ts";

afterEach(forgetRules);

describe("the operation", () => {
  it("is the Responses API for a model that reasons at OpenAI, without a memory on the server", async () => {
    const { ask, asked, paths } = open(say, { base_url: openai });
    expect(await ask()).toMatchObject({ kind: "reply", reply: { text: "Hello.", finish: "stop" } });
    expect(paths()).toEqual([responses]);
    expect(asked[0]?.body).toEqual({
      model: "gpt-6.1-sol",
      input: [{ type: "message", role: "user", content: "hi" }],
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      reasoning: { summary: "auto" },
      prompt_cache_key: expect.stringMatching(/^\w{5,64}$/),
      tools: [{ type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: false }],
    });
  });

  it.each([
    [{ api: "chat" as const, base_url: openai }, chat],
    [{ api: "responses" as const }, responses],
    [{ base_url: `${house}/responses` }, responses],
    [{ base_url: `${house}/responses/?api-version=1` }, responses],
    [{ base_url: `${house}/chat/completions` }, chat],
    [{}, chat],
  ])("is what the operator sets or pastes: %j", async (options, path) => {
    const { ask, paths } = open(say, options);
    await ask();
    expect(paths()).toEqual([path]);
  });

  it.each([
    [400, useResponses],
    [404, "This model is only supported in v1/responses and not in v1/chat/completions."],
    [
      404,
      "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
    ],
    [400, "litellm.BadRequestError: OpenAIException - Please use /v1/responses instead."],
  ])("is learned from chat completions and remembered: %i %s", async (status, words) => {
    const { ask, paths } = open((asked) => (asked.path === chat ? refuse(words, status) : say(asked)));
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(paths()).toEqual([chat, responses, responses]);
  });

  it.each([
    ["FastAPI", noRoute],
    ["a proxy", () => new Response("404 page not found", { status: 404 })],
    ["Azure", () => Response.json({ error: { code: "404", message: "Resource not found" } }, { status: 404 })],
    ["a server of another method", () => new Response("", { status: 405 })],
    ["LM Studio", () => Response.json({ error: "Unexpected endpoint or method. (POST /v1/responses)" })],
    [
      "OpenAI to a key for chat completions",
      () => refuse("You have insufficient permissions for this operation. Missing scopes: api.responses.write.", 401),
    ],
    ["a router", () => refuse("Model gpt-6.1-sol is not supported with the Responses API", 404)],
  ])("is chat completions where there is no other, as %s says", async (_who, refusal) => {
    const { ask, paths } = open((asked) => (asked.path === responses ? refusal() : say(asked)), { base_url: openai });
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(paths()).toEqual([responses, chat, chat]);
  });

  it("does not change for a model that does not exist", async () => {
    const words = "The model `gpt-9` does not exist or you do not have access to it.";
    const { ask, paths } = open(() => refuse(words, 404, { code: "model_not_found" }), { base_url: openai });
    expect(await ask()).toMatchObject({ kind: "failure", failure: { reason: "model_not_found" } });
    expect(paths()).toEqual([responses]);
  });

  it("falls back to no effort with tools where the other one is missing, and asks it no more", async () => {
    const { ask, asked, paths } = open((one) => {
      if (one.path === responses) return noRoute();
      return one.body.reasoning_effort === "none" ? sayChat() : refuse(useResponses);
    });
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(paths()).toEqual([chat, responses, chat, chat]);
    expect(asked.at(-1)?.body.reasoning_effort).toBe("none");
    await ask();
    expect(paths()).toHaveLength(5);
  });

  it("is asked again where a server that lacked it says that it is needed", async () => {
    let hasResponses = false;
    const { ask, paths } = open(
      (one) => {
        if (one.path === responses) return hasResponses ? sayResponses() : noRoute();
        return hasResponses ? refuse(useResponses) : sayChat();
      },
      { base_url: openai },
    );
    await ask();
    hasResponses = true;
    expect(await ask()).toMatchObject({ kind: "reply" });
    await ask();
    expect(paths()).toEqual([responses, chat, chat, responses, responses]);
  });

  it("does not go to and fro between two that refuse", async () => {
    const { ask, paths } = open(({ path }) => (path === chat ? refuse(useResponses) : noRoute()));
    expect(await ask()).toMatchObject({ kind: "failure" });
    expect(paths()).toEqual([chat, responses, chat, chat]);
    expect(knownRules("house.example gpt-6.1-sol", undefined)).toEqual([]);
  });

  it.each([
    ["chat" as const, () => refuse(useResponses), [chat, chat, chat]],
    ["responses" as const, noRoute, [responses]],
  ])("stays at %s where the operator has set it", async (api, refusal, expected) => {
    const { ask, paths } = open(refusal, { api });
    expect(await ask()).toMatchObject({ kind: "failure" });
    expect(paths()).toEqual(expected);
  });
});

describe("a refusal of the Responses API", () => {
  const options = { base_url: openai };

  it.each([
    ["reasoning.summary", "Your organization must be verified to generate reasoning summaries.", "unsupported_value"],
    ["include", "Encrypted content is not supported with this model.", null],
    ["reasoning", "Unsupported parameter: 'reasoning' is not supported with this model.", "unsupported_parameter"],
    ["temperature", "Unsupported parameter: 'temperature' is not supported with this model.", null],
    ["prompt_cache_key", "Unknown parameter: 'prompt_cache_key'.", "unknown_parameter"],
    ["max_output_tokens", "Unsupported parameter: max_output_tokens", null],
    ["store", "Unknown parameter: 'store'", null],
  ])("of %s leaves it out from then on", async (param, words, code) => {
    const has = ({ body }: Asked) => {
      const [field = "", inner] = param.split(".");
      const value = body[field] as Record<string, unknown> | undefined;
      return inner === undefined ? value !== undefined : value?.[inner] !== undefined;
    };
    const { ask, asked } = open((one) => (has(one) ? refuse(words, 400, { param, code }) : sayResponses()), options);
    const more = { temperature: 0.2, options: { max_output_tokens: 500, reasoning_effort: "low" } };
    expect(await ask(more)).toMatchObject({ kind: "reply" });
    await ask(more);
    expect(asked.map(has)).toEqual([true, false, false]);
    const { input, model, stream, tools } = asked[2]?.body ?? {};
    expect([input, model, stream, tools].every((field) => field !== undefined)).toBe(true);
    if (param === "reasoning.summary") expect(asked[2]?.body.reasoning).toEqual({ effort: "low" });
  });

  it("of phases sends none from then on", async () => {
    const output = [{ type: "message", length: 2, phase: "commentary" }];
    const messages: ModelMessage[] = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "ok", extras: { origin: "api.openai.com/v1 gpt", values: { output } } },
      { role: "user", content: "go on" },
    ];
    const hasPhase = ({ body }: Asked) => JSON.stringify(body.input).includes("phase");
    const { ask, asked } = open(
      (one) =>
        hasPhase(one)
          ? refuse("Unknown parameter: 'input[1].phase'.", 400, { param: "input[1].phase", code: "unknown_parameter" })
          : sayResponses(),
      options,
    );
    expect(await ask({ messages })).toMatchObject({ kind: "reply" });
    expect(asked.map(hasPhase)).toEqual([true, false]);
  });

  it("of an effort that the model does not have is the person's, in the provider's words", async () => {
    const words =
      "Unsupported value: 'reasoning.effort' does not support 'minimal' with this model. Supported values are: 'low', 'high'.";
    const { ask, asked } = open(
      () => refuse(words, 400, { param: "reasoning.effort", code: "unsupported_value" }),
      options,
    );
    const outcome = await ask({ options: { reasoning_effort: "minimal" } });
    expect(outcome).toMatchObject({ kind: "failure", failure: { message: expect.stringContaining(words) } });
    expect(asked).toHaveLength(1);
  });

  it("of an effort for a model that has none leaves it out", async () => {
    const words = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
    const { ask, asked } = open(
      ({ body }) =>
        (body.reasoning as { effort?: string } | undefined)?.effort
          ? refuse(words, 400, { param: "reasoning.effort", code: "unsupported_parameter" })
          : sayResponses(),
      options,
    );
    expect(await ask({ options: { reasoning_effort: "low" } })).toMatchObject({ kind: "reply" });
    expect(asked.map(({ body }) => body.reasoning)).toEqual([{ summary: "auto", effort: "low" }, { summary: "auto" }]);
  });

  it("of a limit that is too large lowers it", async () => {
    const { ask, asked } = open(
      ({ body }) =>
        Number(body.max_output_tokens) > 4096
          ? refuse("max_output_tokens is too large: 16000. This model supports at most 4096 completion tokens", 400, {
              param: "max_output_tokens",
            })
          : sayResponses(),
      options,
    );
    expect(await ask({ options: { max_output_tokens: 20_000 } })).toMatchObject({ kind: "reply" });
    expect(asked.map(({ body }) => body.max_output_tokens)).toEqual([16_000, 4096]);
  });
});

describe("a reply of the Responses API", () => {
  const options = { base_url: openai };

  it("that the server does not stream is read too", async () => {
    const [last] = streamEvents({ text: "Hi." }, 0, { body: {} } as WireRequest, {}).chunks.slice(-1);
    const { response } = last as { response: object };
    const { ask, deltas } = open(() => Response.json(response), options);
    expect(await ask()).toMatchObject({ kind: "reply", reply: { text: "Hi.", finish: "stop" } });
    expect(deltas).toEqual([{ type: "text", text: "Hi." }]);
  });

  it.each([
    ["[DONE] behind its end", "data: [DONE]\n\n", "reply"],
    ["no blank line at its end", "", "reply"],
  ])("may have %s", async (_what, tail, kind) => {
    const lines = streamEvents({ text: "Hi." }, 0, { body: {} } as WireRequest, {}).chunks;
    const body = lines.map(
      (line) => `event: ${String((line as { type: string }).type)}\ndata: ${JSON.stringify(line)}\n\n`,
    );
    const text = tail === "" ? body.join("").trimEnd() : body.join("") + tail;
    const { ask } = open(() => new Response(text, { headers: { "content-type": "text/event-stream" } }), options);
    expect(await ask()).toMatchObject({ kind });
  });

  it.each([
    ["", "[DONE]"],
    ["without", ""],
  ])("is broken %s an end that only says %s", async (_how, word) => {
    const delta = { type: "response.output_text.delta", output_index: 0, delta: "Half" };
    const text = `data: ${JSON.stringify(delta)}\n\n${word === "" ? "" : `data: ${word}\n\n`}`;
    const { ask } = open(() => new Response(text, { headers: { "content-type": "text/event-stream" } }), options);
    expect(await ask()).toMatchObject({ kind: "failure", failure: { reason: "broken_reply", retryable: true } });
  });

  it("that is a page is none, and says what to check", async () => {
    const { ask } = open(() => new Response("<html>", { headers: { "content-type": "text/html" } }), options);
    expect(await ask()).toMatchObject({
      kind: "failure",
      failure: { message: expect.stringMatching(/no response of a model.*OPENAI_BASE_URL/) },
    });
  });
});
