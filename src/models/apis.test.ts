// Chat completions or the Responses API: which is asked, what a refusal changes about it, and what goes into either.
import { afterEach, describe, expect, it, vi } from "vitest";
import { streamEvents } from "../../test/contract/models/responses-streams.ts";
import type { PlannedReply, WireRequest } from "../../test/contract/models/wire.ts";
import type { ModelDelta, ModelMessage, ModelRequest } from "../agent/model.ts";
import { models } from "./index.ts";
import type { OpenAiOptions } from "./openai-model.ts";
import { forgetRules, knownRules } from "./profiles/memory.ts";

interface Asked {
  path: string;
  headers: Headers;
  body: Record<string, unknown>;
}

const openai = "https://api.openai.com/v1";
const house = "https://house.example/v1";
const request: ModelRequest = {
  model: "gpt-6.1-sol",
  messages: [{ role: "user", content: "hi" }],
  tools: [{ name: "f", description: "d", parameters: { type: "object" } }],
  max_output_tokens: 16_000,
};
const refuse = (message: string, status = 400, more = {}) => Response.json({ error: { message, ...more } }, { status });
const sse = (lines: unknown[]) =>
  new Response(lines.map((line) => `data: ${JSON.stringify(line)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
const sayChat = () => sse([{ choices: [{ delta: { content: "Hello." }, finish_reason: "stop" }] }]);
const sayResponses = (planned: PlannedReply = { text: "Hello." }) =>
  sse(streamEvents(planned, 0, { body: {} } as WireRequest, { encrypt: (id) => `gAAA.${id}` }).chunks);
const say = ({ path }: Asked) => (path.endsWith("/responses") ? sayResponses() : sayChat());

function open(answer: (asked: Asked, count: number) => Response, options: Partial<OpenAiOptions> = {}) {
  const asked: Asked[] = [];
  const model = models.native({
    api_key: "key-0123456789",
    base_url: house,
    fetch: async (input, init) => {
      const sent = new Request(input as string, init as RequestInit);
      const body = (await sent.json()) as Asked["body"];
      asked.push({ path: new URL(sent.url).pathname, headers: sent.headers, body });
      return answer(asked.at(-1) as Asked, asked.length);
    },
    ...options,
  });
  const deltas: ModelDelta[] = [];
  const ask = (more: Partial<ModelRequest> = {}) =>
    model.stream({ ...request, ...more }, (delta) => deltas.push(delta), new AbortController().signal);
  const paths = () => asked.map(({ path }) => path);
  return { ask, asked, paths, deltas };
}

const chat = "/v1/chat/completions";
const responses = "/v1/responses";
const useResponses =
  "Function tools with reasoning_effort are not supported for gpt-6.1-sol in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.";
const noRoute = () => Response.json({ detail: "Not Found" }, { status: 404 });

afterEach(() => {
  forgetRules();
  vi.restoreAllMocks();
});

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

describe("reasoning that can't be read any more", () => {
  const history = (...ids: string[]): ModelMessage[] =>
    ids.flatMap((id): ModelMessage[] => [
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: "ok",
        extras: {
          origin: "api.openai.com/v1 gpt",
          values: {
            output: [
              { type: "reasoning", id, summary: [], encrypted_content: `gAAA.${id}` },
              { type: "message", length: 2 },
            ],
          },
        },
      },
    ]);
  const sentIds = ({ body }: Asked) =>
    (body.input as { type: string; id?: string }[]).flatMap(({ type, id }) => (type === "reasoning" ? [id] : []));
  const openMemory = () => {
    const rules = new Map<string, string[]>();
    const read = (key: string) => rules.get(key) ?? [];
    return {
      read,
      add: (key: string, rule: string) => void rules.set(key, [...read(key), rule]),
      remove: (key: string, rule: string) =>
        void rules.set(
          key,
          read(key).filter((each) => each !== rule),
        ),
    };
  };
  const unreadable = (id: string) =>
    refuse(`The encrypted content for item ${id} could not be verified.`, 400, { code: "invalid_encrypted_content" });

  it("is no longer sent in this thread, and what comes later is", async () => {
    let account = "r";
    const { ask, asked } = open(
      (one) => {
        const foreign = sentIds(one).find((id) => !id?.startsWith(account));
        return foreign === undefined ? sayResponses() : unreadable(foreign);
      },
      { base_url: openai, memory: openMemory() },
    );
    await ask({ messages: history("r1", "r2") });
    account = "s";
    expect(await ask({ messages: history("r1", "r2") })).toMatchObject({ kind: "reply" });
    await ask({ messages: history("r1", "r2", "s1") });
    expect(asked.map(sentIds)).toEqual([["r1", "r2"], ["r1", "r2"], [], ["s1"]]);
    // Another thread of the isolate learns nothing of it.
    expect(knownRules("api.openai.com gpt-6.1-sol", undefined)).toEqual([]);
  });

  it("is sent no more at all by a server that can't read its own", async () => {
    const { ask, asked } = open((one) => (sentIds(one).length > 0 ? unreadable("r") : sayResponses()), {
      base_url: openai,
      memory: openMemory(),
    });
    const ids = ["r1", "r2", "r3", "r4", "r5"];
    for (const at of ids.keys())
      expect(await ask({ messages: history(...ids.slice(0, at + 1)) })).toMatchObject({ kind: "reply" });
    expect(asked.map(sentIds)).toEqual([["r1"], [], ["r2"], [], ["r3"], [], [], []]);
  });

  it.each([
    [404, "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."],
    [400, "Item 'rs_1' of type 'reasoning' was provided without its required following item."],
  ])("is left out too where a server misses it: %i %s", async (status, words) => {
    const { ask, asked } = open((one) => (sentIds(one).length > 0 ? refuse(words, status) : sayResponses()), {
      base_url: openai,
      memory: openMemory(),
    });
    expect(await ask({ messages: history("r1") })).toMatchObject({ kind: "reply" });
    expect(asked.map(sentIds)).toEqual([["r1"], []]);
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

describe("what an agent and an operator add", () => {
  it.each([
    [house, { reasoning_effort: "high", max_tokens: 16_000 }],
    [openai, { reasoning: { summary: "auto", effort: "high" }, max_output_tokens: 16_000 }],
  ])("stands in the fields of the operation at %s", async (base_url, expected) => {
    const { ask, asked } = open(say, { base_url });
    await ask({
      model: base_url === house ? "m" : "gpt-6.1-sol",
      options: { reasoning_effort: "high", max_output_tokens: 50_000 },
    });
    expect(asked[0]?.body).toMatchObject(expected);
  });

  it("has the smaller limit, and none unless one is asked for", async () => {
    const { ask, asked } = open(say);
    await ask({ model: "m", options: { max_output_tokens: 500 } });
    await ask({ model: "m" });
    await ask({ model: "gpt-4.1", options: { max_output_tokens: 500 } });
    const limits = asked.map(({ body }) => [body.max_tokens, body.max_completion_tokens]);
    expect(limits).toEqual([
      [500, undefined],
      [undefined, undefined],
      [undefined, 500],
    ]);
  });

  it("merges the operator's fields, what the agent chooses, and the agent's fields, in this order", async () => {
    const { ask, asked } = open(say, {
      base_url: openai,
      extra_body: { service_tier: "flex", metadata: { by: "operator" }, reasoning: { effort: "low", context: "auto" } },
    });
    await ask({
      options: { reasoning_effort: "high", extra_body: { metadata: { agent: "a" }, reasoning: { mode: "pro" } } },
    });
    expect(asked[0]?.body).toMatchObject({
      service_tier: "flex",
      metadata: { by: "operator", agent: "a" },
      reasoning: { summary: "auto", effort: "high", context: "auto", mode: "pro" },
    });
  });

  it.each([house, openai])("never replaces what makes the request, at %s", async (base_url) => {
    const forbidden = {
      ...{ model: "x", messages: [], input: [], instructions: "x", tools: [], stream: false, stream_options: {} },
      ...{ store: true, include: [], n: 2, max_tokens: 1, max_completion_tokens: 1, max_output_tokens: 1 },
      ...{ previous_response_id: "x", conversation: "x", background: true },
    };
    const plain = open(say, { base_url });
    await plain.ask();
    const { ask, asked } = open(say, { base_url, extra_body: forbidden });
    const polluted = JSON.parse('{"__proto__": {"polluted": true}}');
    await ask({ options: { extra_body: { ...forbidden, ...polluted } } });
    expect(asked[0]?.body).toEqual(plain.asked[0]?.body);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("of headers goes to this server alone, over ours, and into no sentence", async () => {
    const headers = { "X-Team": "team-secret-0123", "OpenAI-Project": "project-secret-0123" };
    const { ask, asked } = open(() => refuse("no project project-secret-0123 for team-secret-0123", 403), {
      headers,
    });
    const outcome = await ask();
    expect(asked[0]?.headers.get("x-team")).toBe("team-secret-0123");
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer key-0123456789");
    expect(JSON.stringify(outcome)).not.toMatch(/secret-0123/);
    const other = open(say);
    await other.ask();
    expect(other.asked[0]?.headers.get("x-team")).toBeNull();
    const own = open(say, { headers: { Authorization: "Basic abcdefghijk" } });
    await own.ask();
    expect(own.asked[0]?.headers.get("authorization")).toBe("Basic abcdefghijk");
  });
});

describe("a failure", () => {
  it("tells its server to the operator's log, and to nobody else", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { ask, deltas } = open(() =>
      refuse("no capacity at https://gpu7.house.example:8443/x for HOUSE.example", 503),
    );
    const outcome = await ask();
    expect(JSON.stringify([outcome, deltas])).not.toMatch(/house\.example|gpu7/i);
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      {
        level: "warning",
        event: "model_failed",
        host: "house.example",
        model: "gpt-6.1-sol",
        reason: "server_failed",
        status: 503,
      },
    ]);
  });

  it("tells where a redirect points to in the same place", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const headers = { location: "https://elsewhere.example/v1?token=secret" };
    const { ask, asked } = open(() => new Response(null, { status: 307, headers }), { headers: { "X-Team": "t" } });
    expect(JSON.stringify(await ask())).not.toContain("elsewhere");
    expect(asked).toHaveLength(1);
    expect(String(warn.mock.calls)).toContain('"redirects_to":"elsewhere.example"');
    expect(String(warn.mock.calls)).not.toMatch(/secret|key-0123/);
  });

  it("that teaches is no line", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { ask } = open((asked) => (asked.path === chat ? refuse(useResponses) : say(asked)));
    await ask();
    expect(warn).not.toHaveBeenCalled();
  });
});
