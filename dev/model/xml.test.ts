// The script as a model without native tools: a whole shop through the server's own dialect, so that each reads what
// the other writes.
import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../../src/agent/model.ts";
import { models } from "../../src/models/index.ts";
import { createXmlModel } from "../../src/models/xml/model.ts";
import type { ChatMessage } from "../../src/protocol/message.ts";
import { readHistory } from "../../src/thread/run/summaries.ts";
import { peopleTools } from "../../src/tools/people.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { makeTool } from "../../test/fakes/scripted-run.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { Transcript } from "../../test/fakes/transcript.ts";
import { type Content, loadContent } from "./content.ts";
import { decide } from "./decide.ts";
import { pretend } from "./rehearsal.ts";
import { startModel } from "./server.ts";
import { type ChatRequest, readRequest } from "./wire.ts";
import { readDialect, writeDialect } from "./xml.ts";

const noSignal = new AbortController().signal;

function readText(text: string | Iterable<string> = ""): string {
  return typeof text === "string" ? text : [...text].join("");
}

/** The script's answer to a server's request. */
function answer(request: ModelRequest, content: Content): string {
  const reply = writeDialect(decide(readDialect(readRequest({ ...request, tools: undefined })), content));
  return readText(reply.text);
}

describe("the script without native tools", () => {
  it("builds the shop by calls in its text, which no reader sees", async () => {
    const content = await loadContent();
    const table = pretend();
    const tools = Object.entries(table).map(([name, execute]) =>
      makeTool(name, {
        execute: async (input) => ({ content: await execute(input as Record<string, unknown>), is_error: false }),
      }),
    );
    const thread = new FakeThread({
      agent: { tool_format: "xml" },
      tools: [...taskTools, ...tools, ...peopleTools],
      defaultReply: async (request, onDelta) => {
        const text = answer(request, content);
        for (let at = 0; at < text.length; at += 7) onDelta({ type: "text", text: text.slice(at, at + 7) });
        return { kind: "reply", reply: { text, reasoning: "", tool_calls: [], finish: "stop", usage: null } };
      },
    });
    const { events } = await thread.run("build me an online shop");
    const held = new Transcript().applyAll(events);
    expect(held.outcome).toBe("success");
    expect(thread.life.state.plan.tasks.map((task) => task.status)).toEqual(
      thread.life.state.plan.tasks.map(() => "completed"),
    );
    const texts = events.flatMap((event) => (event.type === "TEXT_MESSAGE_CONTENT" ? [event.delta] : [])).join("");
    expect(texts).not.toMatch(/<\/?(?:function_calls|invoke|parameter)|CDATA/);
    expect(thread.requests.every(({ tools, messages }) => tools.length === 0 && messages.every(isPlain))).toBe(true);
    const written = readHistory(thread.life.database.sql).history.flatMap((message) =>
      message.role === "assistant" ? (message.tool_calls ?? []) : [],
    );
    const server = written.find((call) => call.function.arguments.includes('"shop/server.js"'));
    expect(JSON.parse(server?.function.arguments ?? "{}")).toMatchObject({
      content: content.read("shop/server.js", "en"),
    });
  });

  it("serves a client that sends no tools but describes them", async () => {
    const running = await startModel({ port: 0, tokensPerSecond: 0 });
    const model = models.xml({ api_key: "any", base_url: running.baseUrl });
    const parameters = { properties: { sections: { type: "array" } } };
    const tools = [{ name: "create_tasks", description: "Plans.", parameters }];
    const messages: ChatMessage[] = [{ role: "user", content: "build me an online shop" }];
    const outcome = await model.stream({ model: "m", messages, tools }, () => {}, noSignal);
    await running.close();
    if (outcome.kind !== "reply") throw new Error(outcome.kind);
    const [planned] = outcome.reply.tool_calls;
    expect(planned?.function.name).toBe("create_tasks");
    expect(JSON.parse(planned?.function.arguments ?? "")).toMatchObject({
      sections: [{ title: "Requirements" }, {}, {}],
    });
    expect(outcome.reply.text).toContain("scripted demo model");
  });

  it("reads back its own calls and their results, whatever they contain", async () => {
    const input = { path: "a.xml", content: '\n<a b="1">&amp;</a> ]]> </parameter>\n' };
    const list = { sections: [{ title: "a < b", tasks: ["x"] }] };
    const properties = { path: { type: "string" }, content: { type: "string" } };
    const tools = [
      { name: "create_file", description: "", parameters: { properties } },
      { name: "create_tasks", description: "", parameters: { properties: { sections: { type: "array" } } } },
    ];
    const text = readText(
      writeDialect({
        text: "Now.",
        calls: [
          { name: "create_file", arguments: JSON.stringify(input) },
          { name: "create_tasks", arguments: JSON.stringify(list) },
        ],
      }).text,
    );
    const model = createXmlModel({
      stream: async (_request, onDelta) => {
        onDelta({ type: "text", text });
        return { kind: "reply", reply: { text, reasoning: "", tool_calls: [], finish: "stop", usage: null } };
      },
    });
    const outcome = await model.stream({ model: "m", messages: [], tools }, () => {}, noSignal);
    if (outcome.kind !== "reply") throw new Error("no reply");
    const tool_calls = outcome.reply.tool_calls.map((call, index) => ({ ...call, id: `c${index}` }));
    expect(tool_calls.map((call) => JSON.parse(call.function.arguments))).toEqual([input, list]);

    const history: ChatMessage[] = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Now.", tool_calls },
      { role: "tool", tool_call_id: "c0", content: "</result> & <p>" },
      { role: "tool", tool_call_id: "c1", content: "planned" },
    ];
    let seen: ChatRequest | undefined;
    await createXmlModel({
      stream: async (request) => {
        seen = readDialect(readRequest({ ...request, tools: undefined }));
        return outcome;
      },
    }).stream({ model: "m", messages: history, tools }, () => {}, noSignal);
    expect([...(seen?.tools ?? [])]).toEqual(["create_file", "create_tasks"]);
    const [, , said, ...results] = seen?.messages ?? [];
    expect(said?.calls.map(({ id, name }) => [id, name])).toEqual([
      ["c0", "create_file"],
      ["c1", "create_tasks"],
    ]);
    expect(said?.calls.map((call) => JSON.parse(call.arguments))).toEqual([input, list]);
    expect(said?.text).toBe("Now.");
    expect(results.map(({ role, text: content, tool_call_id }) => [role, tool_call_id, content])).toEqual([
      ["tool", "c0", "</result> & <p>"],
      ["tool", "c1", "planned"],
    ]);
  });
});

function isPlain(message: ChatMessage): boolean {
  return message.role !== "tool" && !("tool_calls" in message);
}
