// What a call may cost: the limit of its reply, and whether its failure is sure to cost nothing.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Asked,
  house,
  open,
  openai,
  refuse,
  request,
  say,
  sayChat,
  sse,
} from "../../test/contract/models/fake-apis.ts";
import { createModels, models } from "./index.ts";
import { forgetRules } from "./profiles/rules.ts";

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterEach(() => {
  forgetRules();
  vi.restoreAllMocks();
});

const granted = { options: { max_output_tokens: 2000 }, is_limit_needed: true };
const limitOf = ({ body }: Asked) => body.max_tokens ?? body.max_completion_tokens ?? body.max_output_tokens;

describe("the limit that a cap leaves", () => {
  it.each([
    ["chat completions", { model: "house-1" }, {}],
    ["chat completions of OpenAI", { model: "gpt-4.1" }, { base_url: openai }],
    ["the Responses API", { model: "gpt-6.1-sol" }, { base_url: openai }],
  ])("is sent to %s", async (_, asked_for, options) => {
    const { ask, asked } = open(say, options);
    await ask({ ...asked_for, ...granted });
    expect(asked.map(limitOf)).toEqual([2000]);
  });

  it("is sent where calls are written as text", async () => {
    let sent: Record<string, unknown> = {};
    const fetch = async (_input: unknown, init?: RequestInit) => {
      sent = JSON.parse(String(init?.body));
      return sayChat();
    };
    const model = models.xml({ api_key: "key-0123456789", base_url: house, fetch: fetch as typeof globalThis.fetch });
    await model.stream({ ...request, model: "house-1", ...granted }, () => {}, new AbortController().signal);
    expect(sent.max_tokens).toBe(2000);
    expect(sent.tools).toBeUndefined();
  });

  it("is sent to a server that was seen to refuse it, which then refuses the call", async () => {
    const { ask, asked } = open((one) =>
      limitOf(one) === undefined ? say(one) : refuse("Unsupported parameter: max_tokens"),
    );
    const own = { model: "house-1", options: { max_output_tokens: 500 } };
    expect(await ask(own)).toMatchObject({ kind: "reply" });
    expect(await ask(own)).toMatchObject({ kind: "reply" });
    expect(asked.map(limitOf)).toEqual([500, undefined, undefined]);
    expect(await ask({ model: "house-1", ...granted })).toMatchObject({
      kind: "failure",
      failure: { reason: "request_refused", is_free: true },
    });
    expect(asked.map(limitOf).slice(3)).toEqual([2000]);
  });

  it("is sent under the name that a refusal asks for, and other calls continue without any", async () => {
    const { ask, asked } = open((one) =>
      one.body.max_tokens === undefined ? say(one) : refuse("Use 'max_completion_tokens' instead of 'max_tokens'."),
    );
    expect(await ask({ model: "house-1", ...granted })).toMatchObject({ kind: "reply" });
    expect(await ask({ model: "house-1" })).toMatchObject({ kind: "reply" });
    expect(asked.map(({ body }) => [body.max_tokens, body.max_completion_tokens])).toEqual([
      [2000, undefined],
      [undefined, 2000],
      [undefined, undefined],
    ]);
  });
});

describe("a failed call", () => {
  const isFree = async (answer: (asked: Asked, count: number) => Response) => {
    const outcome = await open(answer).ask({ model: "house-1" });
    if (outcome.kind !== "failure") throw new Error(JSON.stringify(outcome));
    return outcome.failure.is_free ?? false;
  };
  const delta = { choices: [{ delta: { content: "half" } }] };

  it("costs nothing if every request of it was refused before any work", async () => {
    expect(await isFree(() => refuse("no", 429))).toBe(true);
    expect(await isFree(() => refuse("Unsupported parameter: tools"))).toBe(true);
    expect(await isFree(() => refuse("house-1 does not support tools"))).toBe(true);
  });

  it("may cost something if one of its requests may have", async () => {
    const order = "Unexpected role 'user' after role 'tool'";
    expect(await isFree((_, count) => (count === 1 ? refuse(order, 500) : refuse("no", 429)))).toBe(false);
    expect(await isFree((_, count) => (count === 1 ? refuse(order) : refuse("no", 500)))).toBe(false);
    const late = { message: "house-1 does not support tools", type: "invalid_request_error" };
    const begun = [{ choices: [{ delta: { role: "assistant" } }] }, { error: late }];
    expect(await isFree(({ body }) => (body.tools ? sse(begun) : refuse("no", 429)))).toBe(false);
    const withoutTools = ({ body }: Asked) => body.tools === undefined;
    expect(await isFree((one) => (withoutTools(one) ? sse([delta]) : refuse("house-1 does not support tools")))).toBe(
      false,
    );
  });

  it.each([
    ["is cut", () => sse([delta])],
    ["ends with an error", () => sse([delta, { error: { code: 429, message: "slow down" } }])],
    ["is broken off by its server", () => sse([{ choices: [{ delta: {}, finish_reason: "abort" }] }])],
    ["is no reply", () => new Response("<html></html>", { headers: { "content-type": "text/html" } })],
    [
      "is no JSON",
      () => new Response("data: {oops\n\ndata: x\n\n", { headers: { "content-type": "text/event-stream" } }),
    ],
  ])("may cost something when its reply %s", async (_, answer) => {
    expect(await isFree(answer)).toBe(false);
  });

  it("costs nothing when no server has the model", async () => {
    const { native } = createModels({
      ...{ problem: null, default_server: null, servers: new Map(), default_model: null },
    } as never);
    const outcome = await native().stream({ ...request, model: "house-1" }, () => {}, new AbortController().signal);
    expect(outcome).toMatchObject({ kind: "failure", failure: { is_free: true } });
  });
});

describe("a reply that is cancelled", () => {
  const usage = { prompt_tokens: 7, completion_tokens: 1 };

  it.each([
    [
      "before its end has no count, since a count on the way is too low",
      [{ choices: [{ delta: { content: "a" } }], usage }],
      null,
    ],
    [
      "after its end keeps the count",
      [{ choices: [{ delta: { content: "a" }, finish_reason: "stop" }] }, { choices: [], usage }],
      { input_tokens: 7 },
    ],
  ])("%s", async (_, chunks, expected) => {
    const cancel = new AbortController();
    const encoder = new TextEncoder();
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks[pulls++];
        if (chunk !== undefined) return controller.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`));
        setTimeout(() => cancel.abort(), 0);
        return new Promise<void>(() => {});
      },
    });
    const model = models.native({
      ...{ api_key: "key-0123456789", base_url: house },
      fetch: async () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    });
    const outcome = await model.stream({ ...request, model: "house-1" }, () => {}, cancel.signal);
    if (outcome.kind !== "aborted") throw new Error(JSON.stringify(outcome));
    if (expected === null) expect(outcome.reply.usage).toBeNull();
    else expect(outcome.reply.usage).toMatchObject(expected);
  });
});
