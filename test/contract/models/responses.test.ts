// The strict server of OpenAI's Responses API: it accepts a well-formed conversation without a store, and refuses a
// request that breaks just one of its rules with that rule.
import { describe, expect, it } from "vitest";
import { checkEnding, readChunks } from "./naive-client.ts";
import { openaiResponses as provider } from "./providers/openai-responses.ts";
import type { Item } from "./responses-items.ts";
import { openStrictServer, type StrictServer } from "./server.ts";
import type { PlannedReply } from "./wire.ts";

interface Asked {
  url: string;
  headers: Record<string, string>;
  body: Record<string, unknown> & { input: Item[]; tools: unknown[] };
}

const parameters = { type: "object", properties: { path: { type: "string" } } };

const replies: PlannedReply[] = [
  { reasoning: "The file has to be read.", calls: [{ name: "read_file", arguments: { path: "notes.md" } }] },
  { reasoning: "It has one line.", text: "It has one line.", usage: { input: 40, output: 9, cached: 30 } },
];

const openServer = () => openStrictServer(provider, (_request, turn) => replies[turn] ?? { text: "No." });

function askFirst(): Asked {
  const body = {
    model: provider.model,
    stream: true,
    store: false,
    include: ["reasoning.encrypted_content"],
    reasoning: { effort: "low", summary: "auto" },
    instructions: "You read files.",
    tools: [{ type: "function", name: "read_file", parameters }],
    input: [{ role: "user", content: [{ type: "input_text", text: "How long are the notes?" }] }],
  };
  return { url: `${provider.base_url}/responses`, headers: { authorization: "Bearer sk-nop" }, body };
}

const send = (server: StrictServer, { url, headers, body }: Asked) =>
  server.fetch(url, { method: "POST", headers, body: JSON.stringify(body) });

async function converse(server: StrictServer): Promise<Asked> {
  const asked = askFirst();
  const { input } = asked.body;
  const ask = async () => {
    const end = (await readChunks(await send(server, asked))).at(-1) as { response: { output: Item[] } };
    input.push(...end.response.output);
    return end.response.output;
  };
  for (const { type, call_id } of await ask()) {
    if (type === "function_call") input.push({ type: "function_call_output", call_id, output: "one line" });
  }
  await ask();
  input.push({ role: "user", content: "Is there more?" });
  return asked;
}

const find = ({ body: { input } }: Asked, type: string) => input.find((item) => item.type === type) ?? {};
const drop = (asked: Asked, type: string) => {
  asked.body.input = asked.body.input.filter((item) => item.type !== type);
};

const breaks: Record<string, (asked: Asked) => void> = {
  "refuses a request without a key": ({ headers }) => delete headers.authorization,
  "refuses another address": (asked) => {
    asked.url = asked.url.replace("/responses", "/chat/completions");
  },
  "refuses a field that it does not know": ({ body }) => {
    body.max_tokens = 100;
  },
  "refuses a tool in the form of chat completions": ({ body }) => {
    body.tools = [{ type: "function", function: { name: "read_file", parameters } }];
  },
  "refuses a field of an item that it does not know": (asked) => {
    find(asked, "function_call").parsed_arguments = {};
  },
  "refuses an id of a call of more than 64 characters": (asked) => {
    const call_id = `call_${"x".repeat(60)}`;
    find(asked, "function_call").call_id = call_id;
    find(asked, "function_call_output").call_id = call_id;
  },
  "refuses reasoning that it would have to remember": (asked) => {
    delete find(asked, "reasoning").encrypted_content;
  },
  "refuses reasoning that it did not encrypt": (asked) => {
    find(asked, "reasoning").encrypted_content = "gAAAAABforeign";
  },
  "refuses reasoning without what it led to": (asked) => {
    drop(asked, "function_call");
    drop(asked, "function_call_output");
    asked.body.input.splice(2, 0, { role: "user", content: "Go on." });
  },
  "refuses a call without its output": (asked) => drop(asked, "function_call_output"),
  "refuses an output without its call": (asked) => {
    drop(asked, "reasoning");
    drop(asked, "function_call");
  },
};

describe("the strict server of the Responses API", () => {
  it("accepts a well-formed conversation", async () => {
    const server = openServer();
    expect((await send(server, await converse(server))).status).toBe(200);
    expect([server.refused, server.missed]).toEqual([[], []]);
    const roles = server.accepted.at(-1)?.messages.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "assistant", "user"]);
  });

  it("has a request for each of its rules that breaks it", () => {
    expect(Object.keys(breaks)).toEqual(provider.rules.map(({ name }) => name));
  });

  it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
    const server = openServer();
    const asked = await converse(server);
    breakRule(asked);
    const response = await send(server, asked);
    expect(server.refused.map(({ rule }) => rule)).toEqual([name]);
    expect(response.status).toBeGreaterThanOrEqual(400);
  });

  it("notes that reasoning was left out, and does not refuse it", async () => {
    const server = openServer();
    const asked = askFirst();
    const [first] = await readChunks(await send(server, asked)).then((events) => events.slice(-1));
    const { output } = (first as { response: { output: Item[] } }).response;
    const calls = output.filter(({ type }) => type === "function_call");
    asked.body.input.push(...calls, { type: "function_call_output", call_id: calls[0]?.call_id, output: "one line" });
    expect((await send(server, asked)).status).toBe(200);
    expect(server.missed.map(({ rule }) => rule)).toEqual([
      "asks for the reasoning that led to the calls of this turn",
    ]);
  });

  it("streams events that say their type twice, and no [DONE]", async () => {
    const text = await (await send(openServer(), askFirst())).text();
    expect(text).toMatch(/^event: response\.created\ndata: \{"type":"response\.created"/);
    expect(text).toContain("event: response.reasoning_summary_text.delta");
    expect(text).not.toContain("[DONE]");
  });

  it("ends a reply that was cut as incomplete", async () => {
    const server = openStrictServer(provider, () => ({ text: "One, two", finish: "length" }));
    expect((await readChunks(await send(server, askFirst()))).at(-1)).toMatchObject({
      type: "response.incomplete",
      response: { incomplete_details: { reason: "max_output_tokens" } },
    });
  });

  it("has endings of a common form", () => {
    expect((provider.endings ?? []).map(checkEnding).filter((fault) => fault !== null)).toEqual([]);
  });
});
