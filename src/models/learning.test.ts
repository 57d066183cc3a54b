// What a server teaches by refusing, at the port of the model: how often it is asked, and what is remembered.
import { afterEach, describe, expect, it } from "vitest";
import type { ModelRequest } from "../agent/model.ts";
import { models } from "./index.ts";
import type { OpenAiOptions } from "./openai-model.ts";
import { forgetRules } from "./profiles/rules.ts";

interface Asked {
  url: string;
  headers: Headers;
  body: Record<string, unknown>;
}

const request: ModelRequest = {
  model: "house-model",
  messages: [{ role: "user", content: "hi" }],
  tools: [{ name: "f", description: "", parameters: { type: "object" } }],
  temperature: 0.5,
  max_output_tokens: 16_000,
};
const hello = 'data: {"choices":[{"delta":{"content":"Hello."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const refuse = (message: string, status = 400) => Response.json({ error: { message } }, { status });
const say = () => new Response(hello, { headers: { "content-type": "text/event-stream" } });

/** A model whose server answers each request with `answer`. */
function open(answer: (asked: Asked, count: number) => Response, options: Partial<OpenAiOptions> = {}) {
  const asked: Asked[] = [];
  const model = models.native({
    api_key: "key-0123456789",
    base_url: "https://house.example/v1",
    fetch: async (input, init) => {
      const sent = new Request(input as string, init as RequestInit);
      asked.push({ url: sent.url, headers: sent.headers, body: (await sent.json()) as Asked["body"] });
      return answer(asked.at(-1) as Asked, asked.length);
    },
    ...options,
  });
  const ask = () => model.stream(request, () => {}, new AbortController().signal);
  return { ask, asked };
}

function openMemory() {
  const rules = new Map<string, string[]>();
  return {
    rules,
    memory: {
      read: (key: string) => rules.get(key) ?? [],
      add: (key: string, rule: string) => void rules.set(key, [...(rules.get(key) ?? []), rule]),
      remove: (key: string, rule: string) =>
        void rules.set(
          key,
          (rules.get(key) ?? []).filter((each) => each !== rule),
        ),
    },
  };
}

afterEach(forgetRules);

describe("a refusal that names what it objects to", () => {
  const dislikesTemperature = ({ body }: Asked) =>
    "temperature" in body ? refuse("Unsupported value: 'temperature' does not support 0.5 with this model.") : say();

  it("is followed at once, and remembered for the next call, in the thread and in the process", async () => {
    const { memory, rules } = openMemory();
    const { ask, asked } = open(dislikesTemperature, { memory });
    expect(await ask()).toMatchObject({ kind: "reply", reply: { text: "Hello." } });
    expect(asked).toHaveLength(2);
    expect(rules).toEqual(new Map([["house.example house-model", ["omit:temperature"]]]));
    await ask();
    expect(asked).toHaveLength(3);
    const elsewhere = open(dislikesTemperature);
    await elsewhere.ask();
    expect(elsewhere.asked).toHaveLength(1);
    forgetRules();
    const later = open(dislikesTemperature, { memory });
    await later.ask();
    expect(later.asked).toHaveLength(1);
  });

  it("teaches three times in one call at most", async () => {
    const fields = ["temperature", "stream_options", "user", "store"];
    const { ask, asked } = open((_asked, count) =>
      refuse(`messages: role must alternate, ${fields[count - 1]} is not supported`),
    );
    expect(await ask()).toMatchObject({ kind: "failure", failure: { retryable: false, reason: "request_refused" } });
    expect(asked.length).toBeLessThanOrEqual(4);
  });

  it("is not followed twice: a lesson that did not help ends the call, and is forgotten", async () => {
    const { memory, rules } = openMemory();
    const { ask, asked } = open(() => refuse("temperature is not supported"), { memory });
    expect(await ask()).toMatchObject({ kind: "failure", failure: { reason: "request_refused" } });
    expect(asked).toHaveLength(2);
    expect(rules.size).toBe(0);
  });

  it("never leaves out what a request can't do without", async () => {
    const { ask, asked } = open(() => refuse("tools, messages, model and stream are not supported"));
    await ask();
    expect(asked).toHaveLength(1);
  });

  it.each([429, 503])("is not remembered while the repeat has not succeeded: %i", async (status) => {
    const { memory, rules } = openMemory();
    const { ask } = open((asked, count) => (count === 1 ? dislikesTemperature(asked) : refuse("try later", status)), {
      memory,
    });
    expect(await ask()).toMatchObject({ kind: "failure", failure: { retryable: true } });
    expect(rules.size).toBe(0);
  });

  it("that first seems to mean one thing is read again as another", async () => {
    const { memory, rules } = openMemory();
    const { ask, asked } = open(
      ({ body }) =>
        "temperature" in body ? refuse("messages[1]: reasoning and temperature are not supported together") : say(),
      { memory },
    );
    expect(await ask()).toMatchObject({ kind: "reply" });
    expect(asked).toHaveLength(3);
    expect([...rules.values()].flat()).toContain("omit:temperature");
  });

  it("teaches how long a reply may be", async () => {
    const { ask, asked } = open(
      ({ body }) => (Number(body.max_tokens) > 8192 ? refuse("max_tokens: 16000 > 8192, which is the maximum") : say()),
      { profile: "workers-ai" },
    );
    await ask();
    expect(asked.map(({ body }) => body.max_tokens)).toEqual([16_000, 8192]);
  });

  it("teaches nothing once the reply has begun", async () => {
    const broken =
      'data: {"choices":[{"delta":{"content":"Half"}}]}\n\ndata: {"error":{"message":"temperature is not supported","code":400}}\n\n';
    const { ask, asked } = open(() => new Response(broken, { headers: { "content-type": "text/event-stream" } }));
    expect(await ask()).toMatchObject({ kind: "failure" });
    expect(asked).toHaveLength(1);
  });
});

describe("an end with a word that nobody knows", () => {
  const ends = (word: string) => () =>
    new Response(
      `data: ${JSON.stringify({ choices: [{ delta: { content: "Hello." }, finish_reason: word }] })}\n\ndata: [DONE]\n\n`,
      {
        headers: { "content-type": "text/event-stream" },
      },
    );

  it("is a broken reply once, and this server's end when it comes again", async () => {
    const { ask } = open(ends("finito"), { memory: openMemory().memory });
    expect(await ask()).toMatchObject({ kind: "failure", failure: { retryable: true, reason: "broken_reply" } });
    expect(await ask()).toMatchObject({ kind: "reply", reply: { text: "Hello.", finish: "other" } });
  });

  it("is a broken reply each time if the word says so", async () => {
    const { ask } = open(ends("upstream_error"), { memory: openMemory().memory });
    for (const _ of [1, 2]) expect(await ask()).toMatchObject({ kind: "failure", failure: { reason: "broken_reply" } });
  });
});

describe("an address", () => {
  it("keeps its query, and the path of the operation is not doubled", async () => {
    const { ask, asked } = open(say, {
      base_url: "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01",
    });
    await ask();
    expect(asked[0]?.url).toBe(
      "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01",
    );
    expect(asked[0]?.headers.get("api-key")).toBe("key-0123456789");
    expect(asked[0]?.headers.get("authorization")).toBeNull();
  });

  it("of the AI Gateway gets the token that opens it, and no other does", async () => {
    const gateway_token = "token-0123456789";
    const gateway = open(say, { base_url: "https://gateway.ai.cloudflare.com/v1/a/b/compat", gateway_token });
    await gateway.ask();
    expect(gateway.asked[0]?.headers.get("cf-aig-authorization")).toBe(`Bearer ${gateway_token}`);
    expect(gateway.asked[0]?.headers.get("authorization")).toBe("Bearer key-0123456789");
    const other = open(say, { gateway_token });
    await other.ask();
    expect(JSON.stringify([...(other.asked[0]?.headers ?? [])])).not.toContain("token-0123456789");
  });

  it("whose server quotes a secret does not make it public", async () => {
    const gateway_token = "token-0123456789";
    const { ask } = open(() => refuse(`bad: key-0123456789 and ${gateway_token}`), { gateway_token });
    expect(JSON.stringify(await ask())).not.toMatch(/(key|token)-0123456789/);
  });
});

describe("a model whose replies begin within a thought", () => {
  const stream = (content: string) =>
    new Response(
      `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
      {
        headers: { "content-type": "text/event-stream" },
      },
    );
  const thought = () => stream("I should greet.\n</think>\n\nHello.");

  it("shows the first thought as text, and the next ones as reasoning, until one is an answer", async () => {
    const { memory, rules } = openMemory();
    const replies = [thought(), thought(), stream("Hello."), stream("Hello.")];
    const { ask } = open(() => replies.shift() as Response, { memory });
    expect(await ask()).toMatchObject({ reply: { reasoning: "", text: expect.stringContaining("I should greet.") } });
    expect(await ask()).toMatchObject({ reply: { reasoning: "I should greet.\n", text: "Hello." } });
    expect([...rules.values()].flat()).toEqual(["reply starts with thoughts"]);
    expect(await ask()).toMatchObject({ reply: { text: "Hello." } });
    expect([...rules.values()].flat()).toEqual([]);
    expect(await ask()).toMatchObject({ reply: { reasoning: "", text: "Hello." } });
  });

  it("is no model of another thread", async () => {
    const replies = [thought(), stream("Hello.")];
    await open(() => replies.shift() as Response, { memory: openMemory().memory }).ask();
    const other = open(() => stream("Hello."), { memory: openMemory().memory });
    expect(await other.ask()).toMatchObject({ reply: { reasoning: "", text: "Hello." } });
  });

  it("is not one whose answer mentions the tags", async () => {
    const { memory, rules } = openMemory();
    await open(() => stream("Wrap thoughts in <think>…</think>."), { memory }).ask();
    expect(rules.size).toBe(0);
  });
});

it("learns that a server wants the tool's name on results, and remembers it", async () => {
  const asked: unknown[] = [];
  const model = models.native({
    ...{ api_key: "key-0123456789", base_url: "https://house.example/v1" },
    fetch: async (_input, init) => {
      const { messages } = JSON.parse(String(init?.body)) as { messages: { role: string; name?: string }[] };
      asked.push(messages);
      const place = messages.findIndex(({ role, name }) => role === "tool" && name !== "read_file");
      return place < 0 ? say() : refuse(`messages.${place}: 'name' is required for role 'tool'`);
    },
  });
  const call = { id: "call_1", type: "function", function: { name: "read_file", arguments: "{}" } } as const;
  const messages: ModelRequest["messages"] = [
    { role: "user", content: "hi" },
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_1", content: "x" },
  ];
  for (const count of [2, 3]) {
    const outcome = await model.stream({ ...request, messages }, () => {}, new AbortController().signal);
    expect(outcome.kind).toBe("reply");
    expect(asked).toHaveLength(count);
  }
  expect(asked[2]).toMatchObject([{}, {}, { role: "tool", tool_call_id: "call_1", name: "read_file" }]);
});
