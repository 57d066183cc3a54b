import { serialize } from "node:v8";
import { describe, expect, it, vi } from "vitest";
import type { ModelRequest, ToolDescription } from "../../agent/model.ts";
import { createMessageWriter } from "../chat/request/messages.ts";
import { chatWire } from "../chat/wire.ts";
import { plainProfile } from "../profiles/profile.ts";
import { createItemWriter } from "../responses/request/items.ts";
import { responsesWire } from "../responses/wire.ts";
import { toBody, writeBody } from "./body.ts";
import { listItems } from "./conversation.ts";
import type { Wire, WireContext } from "./wire.ts";

const contextOf = (): WireContext => ({
  ...{ shape: {}, profile: { ...plainProfile, adds: { tool_stream: true } }, origin: "api.example m" },
  ...{ refused_images: new Set(), refused_items: new Set(), ends: [], extra_body: { top_p: 0.5 } },
});
const toolOf = (name: string): ToolDescription => ({ name, description: `"${name}"`, parameters: { type: "object" } });
const request: ModelRequest = {
  model: "m",
  messages: [
    { role: "system", content: "s" },
    { role: "user", content: "你好" },
  ],
  tools: [toolOf("f"), toolOf("g")],
  temperature: 0,
  reminder: "r",
  options: { max_output_tokens: 100, reasoning_effort: "low", extra_body: { seed: 1 } },
};
const write = (wire: Wire, context: WireContext, asked: ModelRequest): string =>
  writeBody(wire, toBody(wire, asked, context), asked, context);

describe("the body of a request", () => {
  it.each([chatWire, responsesWire])("is kept in one byte a character while few of its texts' are others", (wire) => {
    const context = contextOf();
    const messages: ModelRequest["messages"] = [{ role: "system", content: `${"You are an agent. ".repeat(200)}—` }];
    const tools = [{ ...toolOf("f"), description: `${"It writes a file. ".repeat(20)}→` }];
    for (let turn = 0; turn < 5; turn++) {
      messages.push({ role: "user", content: `Say ${turn}. ${"And so on. ".repeat(20)}…` });
      const body = write(wire, context, { model: "m", messages: [...messages], tools });
      expect(body).toContain(`Say ${turn}`);
      // V8 writes how it keeps a string in the third byte.
      expect(String.fromCharCode(serialize(body)[2] ?? 0)).toBe('"');
      messages.push({ role: "assistant", content: `Said ${turn}. ${"And so on. ".repeat(20)}—` });
    }
  });

  it.each([chatWire, responsesWire])("has no schema without fields where its server refuses one", (wire) => {
    const context = contextOf();
    const profile = { ...context.profile, omits_empty_schemas: true };
    const field = { type: "object", properties: { a: { type: "string" } } };
    const tools = [toolOf("f"), { ...toolOf("g"), parameters: field }];
    const body = JSON.parse(write(wire, { ...context, profile }, { ...request, tools }));
    const shown = body.tools.map((tool: { function?: ToolDescription } & ToolDescription) => tool.function ?? tool);
    expect(shown.map(({ parameters }: ToolDescription) => parameters)).toEqual([undefined, field]);
  });

  it.each([chatWire, responsesWire])("has descriptions as long as its server takes them", (wire) => {
    const context = contextOf();
    const tools = [toolOf("f"), { ...toolOf("g"), description: "long ".repeat(100) }];
    const written = (limit: number | null) => {
      const profile = { ...context.profile, description_limit: limit };
      const body = JSON.parse(write(wire, { ...context, profile }, { ...request, tools }));
      return body.tools.map((tool: { function?: ToolDescription } & ToolDescription) => {
        const { description } = tool.function ?? tool;
        return description.length;
      });
    };
    expect(written(null)).toEqual([3, 500]);
    expect(written(40)).toEqual([3, 40]);
  });

  it.each([
    ["chat completions", chatWire, "messages"],
    ["responses", responsesWire, "input"],
  ] as const)("of %s has all its fields, the conversation last", (_, wire, field) => {
    const context = contextOf();
    const { messages, reminder = null, tools } = request;
    const body = JSON.parse(write(wire, context, request));
    expect(body).toEqual({
      ...JSON.parse(JSON.stringify(toBody(wire, request, context))),
      tools:
        field === "messages"
          ? tools.map((tool) => ({ type: "function", function: tool }))
          : tools.map((tool) => ({ type: "function", ...tool, strict: false })),
      [field]:
        field === "messages"
          ? listItems(messages, reminder, createMessageWriter(context))
          : listItems(messages, reminder, createItemWriter(messages, context)),
    });
    expect(body).toMatchObject({ model: "m", stream: true, temperature: 0, top_p: 0.5, seed: 1 });
    expect(Object.keys(body).at(-1)).toBe(field);
  });

  it("has no list of tools where there are none: OpenAI refuses an empty one", () => {
    expect(JSON.parse(write(chatWire, contextOf(), { ...request, tools: [] }))).not.toHaveProperty("tools");
  });

  it("begins with the same text as the one before it in a conversation, up to its last message", () => {
    const context = contextOf();
    const { reminder: _, ...asked } = request;
    const before = write(chatWire, context, asked);
    const after = write(chatWire, context, { ...asked, messages: [...asked.messages, { role: "user", content: "x" }] });
    expect(after.startsWith(before.slice(0, -2))).toBe(true);
  });

  it("describes no tool a second time", () => {
    const context = contextOf();
    write(chatWire, context, request);
    const stringify = vi.spyOn(JSON, "stringify");
    write(chatWire, context, request);
    const written = stringify.mock.results.map(({ value }) => String(value)).join();
    stringify.mockRestore();
    expect(written).not.toContain("description");
  });
});
