// What an agent and an operator add to requests, and what of a server nobody but the operator learns.
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Asked,
  chat,
  house,
  open,
  openai,
  refuse,
  say,
  useResponses,
} from "../../test/contract/models/fake-apis.ts";
import { forgetRules } from "./profiles/rules.ts";

afterEach(() => {
  forgetRules();
  vi.restoreAllMocks();
});

describe("what an agent and an operator add", () => {
  it("has nothing that a stored agent asks for and that may not be sent", async () => {
    const { ask, asked } = open(say);
    const extra_body = { plugins: [{ id: "fusion" }], x: { analysis_models: ["a/b"] }, top_k: 5 };
    await ask({ model: "m", options: { extra_body } });
    expect(asked[0]?.body).toMatchObject({ top_k: 5 });
    expect(Object.keys(asked[0]?.body ?? {})).not.toEqual(expect.arrayContaining(["plugins"]));
    expect(asked[0]?.body.x).toBeUndefined();
  });

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

  it.each([
    "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'low', 'high'.",
    "body.reasoning_effort: Input should be 'low', 'medium' or 'high'",
    "reasoning_effort must be one of low, high",
    "invalid value for reasoning.effort: minimal",
  ])("is the person's to fix where a server has no such effort: %s", async (words) => {
    const { ask, asked } = open(() => refuse(words));
    const outcome = await ask({ model: "m", options: { reasoning_effort: "minimal" } });
    expect(outcome).toMatchObject({
      kind: "failure",
      failure: { message: expect.stringContaining(words.slice(0, 30)) },
    });
    expect(asked).toHaveLength(1);
  });

  it.each([
    "Unrecognized request argument supplied: reasoning_effort",
    "property 'reasoning_effort' is unsupported",
    "`reasoning_effort` is not supported with this model",
  ])("is left out where a server knows no efforts: %s", async (words) => {
    const { ask, asked } = open((one) => ("reasoning_effort" in one.body ? refuse(words) : say(one)));
    expect(await ask({ model: "m", options: { reasoning_effort: "low" } })).toMatchObject({ kind: "reply" });
    expect(asked.map(({ body }) => body.reasoning_effort)).toEqual(["low", undefined]);
  });

  it.each([
    ["Invalid type for 'reasoning': expected an object, but got an integer instead.", { reasoning: 5 }],
    [
      "Invalid value: 'x'. Supported values are: 'auto', 'concise', and 'detailed'. (reasoning.summary)",
      { reasoning: { summary: "x" } },
    ],
    [
      "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got 65 instead.",
      { prompt_cache_key: "k".repeat(65) },
    ],
    ["Invalid 'top_p': decimal above maximum value. Expected a value <= 1, but got 9 instead.", { top_p: 9 }],
    ["body.top_k: Input should be a valid integer", { top_k: "many" }],
  ])("is the person's to fix where a field has a wrong value: %s", async (words, extra_body) => {
    const { ask, asked } = open(() => refuse(words), { base_url: openai });
    const outcome = await ask({ options: { extra_body } });
    expect(outcome).toMatchObject({ failure: { message: expect.stringContaining(words.slice(0, 30)) } });
    expect(asked).toHaveLength(1);
  });

  it.each([
    ["reasoning is not supported", { mode: "pro" }],
    ["This model does not support tools with a mode.", { mode: "pro" }],
  ])("teaches nothing that holds for others, since it may be badly chosen: %s", async (words, reasoning) => {
    const refusesMode = (one: Asked) =>
      JSON.stringify(one.body).includes('"mode"') && one.body.tools ? refuse(words) : say(one);
    const { ask, asked } = open(refusesMode, { base_url: openai });
    await ask({ options: { extra_body: { reasoning } } });
    await ask();
    expect(asked.at(-1)?.body).toMatchObject({ reasoning: { summary: "auto" }, tools: [{ name: "f" }] });
  });

  it("wins over what a profile adds", async () => {
    const { ask, asked } = open(
      (one) => (one.path === chat && one.body.reasoning_effort === undefined ? refuse(useResponses) : say(one)),
      { api: "chat" },
    );
    await ask();
    await ask({ options: { reasoning_effort: "low" } });
    expect(asked.map(({ body }) => body.reasoning_effort)).toEqual([undefined, "none", "low"]);
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
  it("names its server in the operator's log, and to nobody else", async () => {
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

  it("names where a redirect points to in the same place", async () => {
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
