// The HTTP API, as an unmodified OpenAI client and a plain socket see it.
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ModelOptions, type RunningModel, startModel } from "./server.ts";
import { MODEL } from "./stream.ts";

const tools = ["create_tasks", "create_file", "view_tasks"].map((name) => ({
  type: "function" as const,
  function: { name, parameters: { type: "object", properties: {} } },
}));

let model: RunningModel;
let client: OpenAI;
const started: RunningModel[] = [];

async function start(options: Partial<ModelOptions> = {}): Promise<RunningModel> {
  const running = await startModel({ port: 0, tokensPerSecond: 0, ...options });
  started.push(running);
  return running;
}

beforeAll(async () => {
  model = await startModel({ port: 0, tokensPerSecond: 0 });
  client = new OpenAI({ apiKey: "any", baseURL: model.baseUrl, maxRetries: 0 });
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((running) => running.close()));
});
afterAll(() => model.close());

function user(content: string): { role: "user"; content: string }[] {
  return [{ role: "user", content }];
}

async function post(body: string, path = "/chat/completions", method = "POST"): Promise<Response> {
  return fetch(model.baseUrl + path, { method, ...(method === "POST" ? { body } : {}) });
}

async function readFrames(content: string): Promise<string[]> {
  const response = await post(JSON.stringify({ model: MODEL, stream: true, messages: user(content), tools }));
  const frames = (await response.text()).split("\n\n");
  expect(frames.pop()).toBe("");
  return frames.map((frame) => frame.replace(/^data: /, ""));
}

describe("a streamed response", () => {
  it("has the role first, text and arguments in pieces, a finish reason, usage and the end mark", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: user("build me an online shop"),
      tools,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta));
    const pieces = deltas.flatMap((delta) => delta.tool_calls ?? []);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(deltas[0]?.role).toBe("assistant");
    expect(deltas.filter((delta) => delta.content).length).toBeGreaterThan(10);
    expect(pieces[0]).toMatchObject({ index: 0, type: "function", function: { name: "create_tasks", arguments: "" } });
    expect(pieces.length).toBeGreaterThan(10);
    const input = JSON.parse(pieces.map((piece) => piece.function?.arguments).join("")) as { sections: unknown[] };
    expect(input.sections).toHaveLength(3);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("tool_calls");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
    expect(JSON.stringify(deltas)).toContain("reasoning_content");
  });

  it("ends with [DONE], and has no usage unless asked", async () => {
    const frames = await readFrames("hello");
    expect(frames.at(-1)).toBe("[DONE]");
    expect(frames.join()).not.toContain("usage");
  });

  it("is understood by the SDK's own collector", async () => {
    const stream = client.chat.completions.stream({
      model: MODEL,
      messages: user('[[tool a {"x":"[[1]]"}]] [[tool b]]'),
    });
    const { tool_calls: calls } = await stream.finalMessage();
    expect(calls?.map((call) => call.type === "function" && [call.function.name, call.function.arguments])).toEqual([
      ["a", '{"x":"[[1]]"}'],
      ["b", "{}"],
    ]);
    expect(new Set(calls?.map((call) => call.id)).size).toBe(2);
  });

  it("never splits a character", async () => {
    const text = "商店😀𠮷 é ".repeat(50);
    const frames = await readFrames(`[[text ${text}]] [[raw a ${JSON.stringify({ text })}]]`);
    const deltas = frames.slice(0, -1).map((frame) => JSON.parse(frame) as OpenAI.ChatCompletionChunk);
    const said = deltas.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    expect(said).toBe(text);
    expect(frames.every((frame) => frame.isWellFormed())).toBe(true);
  });

  it("stops at the token limit", async () => {
    const reply = await client.chat.completions.create({
      model: MODEL,
      messages: user("[[say 100]]"),
      max_completion_tokens: 7,
    });
    expect(reply.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "word ".repeat(7) } });
  });

  it("has the configured pace", async () => {
    const begun = performance.now();
    await readFrames("[[say 20]] [[pace 200]]");
    expect(performance.now() - begun).toBeGreaterThanOrEqual(90);
  });

  it("stops when the client disconnects", async () => {
    const left = Promise.withResolvers<void>();
    function* endless(): Generator<string> {
      try {
        for (;;) yield "word ";
      } finally {
        left.resolve();
      }
    }
    const { baseUrl } = await start({ intercept: () => ({ text: endless() }) });
    const leaving = new AbortController();
    const body = JSON.stringify({ model: MODEL, stream: true, messages: user("go") });
    const response = await fetch(`${baseUrl}/chat/completions`, { method: "POST", body, signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await left.promise;
  });
});

describe("a response in one piece", () => {
  it("is a chat completion with usage and the model's own name, whatever name was asked for", async () => {
    const reply = await client.chat.completions.create({ model: "gpt-anything", messages: user("who are you?") });
    expect(reply).toMatchObject({ object: "chat.completion", model: MODEL });
    expect(reply.choices[0]?.message.content).toContain("scripted demo model");
    expect(reply.usage?.total_tokens).toBeGreaterThan(0);
  });

  it("has no reasoning when that is turned off", async () => {
    const { baseUrl } = await start({ reasoning: false });
    const quiet = new OpenAI({ apiKey: "any", baseURL: baseUrl });
    const reply = await quiet.chat.completions.create({ model: MODEL, messages: user("[[think 5]] [[say 1]]") });
    expect(reply.choices[0]?.message).not.toHaveProperty("reasoning_content");
  });
});

describe("a server with a key", () => {
  it("accepts only that key, on every path", async () => {
    const { baseUrl } = await start({ apiKey: "the-key" });
    const body = JSON.stringify({ model: MODEL, messages: user("hello") });
    const ask = async (path: string, authorization: string | null) => {
      const headers: Record<string, string> = authorization === null ? {} : { authorization };
      const init = path === "/models" ? { headers } : { method: "POST", headers, body };
      return (await fetch(baseUrl + path, init)).status;
    };
    for (const path of ["/models", "/chat/completions"]) {
      for (const wrong of [null, "", "Bearer ", "Bearer the-kez", "Bearer the-key2", "the-key"]) {
        expect([path, wrong, await ask(path, wrong)]).toEqual([path, wrong, 401]);
      }
      expect([path, await ask(path, "Bearer the-key")]).toEqual([path, 200]);
    }
  });
});

describe("an invalid request", () => {
  it.each([
    ["{", "parse"],
    ["[]", "object"],
    ['{"messages":[{"role":"user","content":"x"}]}', "model"],
    ['{"model":"m"}', "messages"],
    ['{"model":"m","messages":[]}', "messages"],
    ['{"model":"m","messages":[{"role":"judge","content":"x"}]}', "role"],
    ['{"model":"m","messages":[{"role":"user"}]}', "content"],
    ['{"model":"m","messages":[{"role":"user","content":5}]}', "content"],
    [
      '{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"a b"}}]}',
      "function.name",
    ],
    [
      '{"model":"m","messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"r"}]}',
      "preceding message",
    ],
    [
      '{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"a","arguments":"{}"}}]},{"role":"user","content":"x"}]}',
      "must be followed by tool messages",
    ],
    ["[".repeat(100_000), "parse"],
  ])("is rejected with an error that gives the reason: %.60s", async (body, why) => {
    const response = await post(body);
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(response.status).toBe(400);
    expect(error.type).toBe("invalid_request_error");
    expect(error.message).toContain(why);
  });

  it("is rejected when it is too large, before it is read", async () => {
    const response = await post(" ".repeat(16 * 1024 * 1024 + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: "request_too_large" } });
  });

  it("is rejected at another path or with another method", async () => {
    expect((await post("", "/nothing", "GET")).status).toBe(404);
    expect((await post("", "/chat/completions", "GET")).status).toBe(405);
    expect((await post("{}", "/models/other", "GET")).status).toBe(404);
  });
});

it("the server lists its one model", async () => {
  const list = await client.models.list();
  expect(list.data.map((each) => each.id)).toEqual([MODEL]);
  expect((await client.models.retrieve(MODEL)).id).toBe(MODEL);
});

it("a test may replace the replies to requests that it selects", async () => {
  const { baseUrl } = await start({
    intercept: (_request, count) => (count === 1 ? { faults: { status: 503 } } : undefined),
  });
  const retrying = new OpenAI({ apiKey: "any", baseURL: baseUrl, maxRetries: 0 });
  const send = () => retrying.chat.completions.create({ model: MODEL, messages: user("[[say 1]]") });
  await expect(send()).rejects.toMatchObject({ status: 503 });
  expect((await send()).choices[0]?.message.content).toBe("word ");
});

it("a taken port is reported clearly", async () => {
  await expect(startModel({ port: model.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
});
