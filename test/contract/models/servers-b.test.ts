// The strict servers are tests' tests: each must refuse what its rules name, and nothing that a client with good manners
// sends. These are the routers, Google, Anthropic, Mistral, the fast hosts, Cloudflare, and what people run themselves.
import { describe, expect, it } from "vitest";
import { type Client, clients } from "./clients-b.ts";
import { type Answer, ask, type Draft } from "./collect.ts";
import { anthropic } from "./providers/anthropic.ts";
import { gemini } from "./providers/gemini.ts";
import { mistral } from "./providers/mistral.ts";
import { openrouter } from "./providers/openrouter.ts";
import { workersAi } from "./providers/workers-ai.ts";
import { openStrictServer, type StrictServer } from "./server.ts";
import type { PlannedReply, Provider, WireMessage } from "./wire.ts";

const first: PlannedReply = {
  reasoning: "Both files, then the sum.",
  text: "I read both files.",
  calls: [
    { name: "read_file", arguments: { path: "a.txt" } },
    { name: "read_file", arguments: { path: "b.txt" } },
  ],
  usage: { input: 120, output: 40, cached: 64 },
};

const replies: PlannedReply[] = [
  first,
  { reasoning: "One and two.", text: "The sum is 3.", usage: { input: 200, output: 12 } },
  { text: "You are welcome.", usage: { input: 240, output: 8 } },
];

const opening: WireMessage[] = [
  { role: "system", content: "You add numbers." },
  { role: "user", content: "Add a.txt and b.txt." },
];

function open(provider: Provider): StrictServer {
  return openStrictServer(provider, (_request, turn) => replies[turn] as PlannedReply);
}

function draft({ provider, headers = {}, fields = {} }: Client, messages: WireMessage[]): Draft {
  const parameters = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
  const tools = [{ type: "function", function: { name: "read_file", description: "Reads a file.", parameters } }];
  return { headers, body: { model: provider.model, messages, tools, stream: true, ...fields } };
}

/** The message that goes back for a reply: text, calls, and what the provider asks for. */
function repeat({ returns }: Client, { reply }: Answer): WireMessage {
  const calls = reply.calls.length > 0 ? { tool_calls: reply.calls } : {};
  return { role: "assistant", content: reply.text, ...calls, ...returns?.(reply) };
}

/** Asks the first time and gives the messages of the second request. */
async function takeFirstStep(client: Client, server: StrictServer): Promise<WireMessage[]> {
  const answer = await ask(server, client.provider, draft(client, opening));
  const results = answer.reply.calls.map(({ id }, at) => ({ role: "tool", tool_call_id: id, content: String(at + 1) }));
  return [...opening, repeat(client, answer), ...results];
}

function clientOf(provider: Provider): Client {
  const client = clients.find((client) => client.provider === provider);
  if (!client) throw new Error(`no client for ${provider.profile}`);
  return client;
}

describe.each(clients)("the server of $provider.profile with $provider.model", (client) => {
  const { provider, breaks } = client;

  it("streams what the model says", async () => {
    const { status, reply } = await ask(open(provider), provider, draft(client, opening));
    expect(status).toBe(200);
    expect(reply.text).toBe(first.text);
    const calls = reply.calls.map(({ function: { name, arguments: written } }) => [name, JSON.parse(written)]);
    expect(calls).toEqual(first.calls?.map(({ name, arguments: given }) => [name, given]));
    expect(["tool_calls", "stop"]).toContain(reply.finish);
    expect(reply.usage).toMatchObject({ prompt_tokens: 120, completion_tokens: 40 });
  });

  it("accepts a well-formed conversation of two turns", async () => {
    const server = open(provider);
    const step = await takeFirstStep(client, server);
    const answer = await ask(server, provider, draft(client, step));
    const turn = [...step, repeat(client, answer), { role: "user", content: "Thanks." }];
    const closing = await ask(server, provider, draft(client, turn));
    expect(server.refused.map(({ rule }) => rule)).toEqual([]);
    expect(closing.reply.text).toBe("You are welcome.");
  });

  it("has a broken request for each of its rules", () => {
    expect(Object.keys(breaks)).toEqual(provider.rules.map(({ name }) => name));
  });

  it.each(Object.entries(breaks))("%s", async (name, change) => {
    const server = open(provider);
    const request = structuredClone(draft(client, await takeFirstStep(client, server)));
    change(request);
    const { status, body } = await ask(server, provider, request);
    expect(server.refused.map(({ rule }) => rule)).toEqual([name]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(body)).toBeTypeOf("object");
  });

  it("has a public source for each rule and ending", () => {
    for (const { source } of [...provider.rules, ...(provider.endings ?? [])]) {
      expect(source).toMatch(/^https:\/\/[\w.-]+\/\S+$/);
    }
  });

  it("has endings that are a refusal or a reply, with a wait only where waiting helps", () => {
    for (const { name, refusal, chunks, means, wait_ms } of provider.endings ?? []) {
      expect([refusal, chunks].filter(Boolean), name).toHaveLength(1);
      if (refusal) expect(refusal.status, name).toBeGreaterThanOrEqual(400);
      if (wait_ms !== undefined) expect(means, name).toBe("rate_limited");
    }
  });
});

describe("the server of Gemini", () => {
  const client = clientOf(gemini);

  it("does not check calls of an earlier turn", async () => {
    const server = open(gemini);
    const step = structuredClone(await takeFirstStep(client, server));
    delete step[2]?.tool_calls?.[0]?.extra_content;
    const turn = [...step, { role: "assistant", content: "3." }, { role: "user", content: "Thanks." }];
    expect((await ask(server, gemini, draft(client, turn))).status).toBe(200);
  });

  it("accepts the documented signature for a call of another model", async () => {
    const server = open(gemini);
    const step = structuredClone(await takeFirstStep(client, server));
    const call = step[2]?.tool_calls?.[0];
    if (call) call.extra_content = { google: { thought_signature: "skip_thought_signature_validator" } };
    expect((await ask(server, gemini, draft(client, step))).status).toBe(200);
  });

  it("signs the first of parallel calls only, sends no index and ends with stop", async () => {
    const { body, reply } = await ask(open(gemini), gemini, draft(client, opening));
    expect(reply.calls.map(({ extra_content }) => extra_content !== undefined)).toEqual([true, false]);
    expect(body).not.toMatch(/"tool_calls":\[\{"index"/);
    expect(reply.finish).toBe("stop");
  });
});

describe("the server of Workers AI", () => {
  const client = clientOf(workersAi);
  const long: PlannedReply = { text: "word ".repeat(400), usage: { input: 10, output: 400 } };

  it("cuts a reply after 256 tokens unless the request names a limit", async () => {
    const server = openStrictServer(workersAi, () => long);
    const cut = await ask(server, workersAi, draft({ ...client, fields: {} }, opening));
    const whole = await ask(server, workersAi, draft(client, opening));
    expect(cut.reply).toMatchObject({ finish: "length", text: long.text?.slice(0, 1024) });
    expect(whole.reply).toMatchObject({ finish: "stop", text: long.text });
  });
});

describe("the server of OpenRouter", () => {
  const client = clientOf(openrouter);

  it("accepts calls of another model, which have no reasoning details", async () => {
    const call = { id: "abc123def", type: "function", function: { name: "read_file", arguments: '{"path":"c.txt"}' } };
    const step = [
      ...opening,
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", tool_call_id: call.id, content: "3" },
    ];
    expect((await ask(open(openrouter), openrouter, draft(client, step))).status).toBe(200);
  });

  it("sends the reasoning in pieces and its signature by itself", async () => {
    const { body, reply } = await ask(open(openrouter), openrouter, draft(client, opening));
    expect(body.match(/"reasoning_details"/g)?.length).toBeGreaterThan(2);
    expect(reply.reasoning_details).toHaveLength(1);
    expect(reply.reasoning_details[0]).toMatchObject({ text: first.reasoning, signature: expect.any(String) });
  });

  it("accepts four cache marks", async () => {
    const part = { type: "text", text: "A document.", cache_control: { type: "ephemeral" } };
    const marked = [...opening, { role: "user", content: [part, part, part, part] }];
    expect((await ask(open(openrouter), openrouter, draft(client, marked))).status).toBe(200);
  });
});

describe("the server of Mistral", () => {
  it("accepts its own thoughts as parts of the content", async () => {
    const client = clientOf(mistral);
    const server = open(mistral);
    const step = structuredClone(await takeFirstStep(client, server));
    const thinking = { type: "thinking", thinking: [{ type: "text", text: first.reasoning }] };
    Object.assign(step[2] as WireMessage, { content: [thinking, { type: "text", text: first.text }] });
    expect((await ask(server, mistral, draft(client, step))).status).toBe(200);
  });
});

describe("the server of Anthropic", () => {
  it("never sends reasoning", async () => {
    const { reply } = await ask(open(anthropic), anthropic, draft(clientOf(anthropic), opening));
    expect(reply.reasoning).toBe("");
  });
});
