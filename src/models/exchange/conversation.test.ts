import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ModelMessage } from "../../agent/model.ts";
import { escapeFew } from "../../lib/json/ascii.ts";
import { createMessageWriter } from "../chat/request/messages.ts";
import { type ProfileChange, plainProfile } from "../profiles/profile.ts";
import { createItemWriter } from "../responses/request/items.ts";
import { type ConversationWriter, listItems, writeConversation } from "./conversation.ts";
import type { WireContext } from "./wire.ts";

const origin = "api.example kimi";
const contextOf = (change: ProfileChange = {}, shape: object = {}): WireContext => ({
  ...{ shape, profile: { ...plainProfile, ...change }, origin },
  ...{ refused_images: new Set<string>(), refused_items: new Set<string>(), ends: [] },
});

const user = (content: string): ModelMessage => ({ role: "user", content });
const says = (content: string): ModelMessage => ({ role: "assistant", content });

const image: ModelMessage = { role: "user", content: [{ type: "image_url", image_url: { url: "data:x" } }] };
const called = (id: string, content: string, isKept: boolean): ModelMessage[] => [
  {
    ...{ role: "assistant", content: null },
    tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }],
    ...(isKept ? { extras: { origin, values: { reasoning: "r", details: [{ type: "t", data: content }] } } } : {}),
  },
  { role: "tool", tool_call_id: id, content },
];

/** One message of a person, of the model, or a call with its result. */
const anyPart: fc.Arbitrary<ModelMessage[]> = fc.oneof(
  fc.string({ unit: "grapheme" }).map((text): ModelMessage[] => [user(text)]),
  fc.string({ unit: "binary" }).map((text): ModelMessage[] => [says(text)]),
  fc.constant<ModelMessage[]>([image]),
  fc
    .tuple(fc.constantFrom("c1", "c2", "call_0", "a.b/c"), fc.string(), fc.boolean())
    .map(([id, content, isKept]) => called(id, content, isKept)),
);

const anyProfile = fc.record({
  bridges_results: fc.boolean(),
  merges_messages: fc.boolean(),
  system: fc.constantFrom("system", "user"),
  ids: fc.constantFrom("any", "nine", "kimi", "plain", "forty"),
  signatures: fc.constantFrom("no", "echo", "required"),
  images: fc.boolean(),
  cache_marks: fc.constantFrom("none", "parts", "messages"),
  returns_items: fc.boolean(),
}) as fc.Arbitrary<ProfileChange>;

const writers: [string, (messages: ModelMessage[]) => (context: WireContext) => ConversationWriter<unknown>][] = [
  ["chat", () => createMessageWriter as (context: WireContext) => ConversationWriter<unknown>],
  ["responses", (messages) => (context) => createItemWriter(messages, context) as ConversationWriter<unknown>],
];

describe("a conversation", () => {
  it.each(writers)("of %s is written as it would be without anything kept, however it goes on", (_, writerOf) => {
    const anyCall = fc.record({
      more: fc.array(anyPart, { maxLength: 4 }),
      reminder: fc.option(fc.string(), { nil: null }),
      // What a summary, another model or a later run do.
      change: fc.constantFrom("none", "none", "none", "forget the newest", "another shape", "another system prompt"),
    });
    fc.assert(
      fc.property(anyProfile, anyProfile, fc.array(anyCall, { minLength: 1, maxLength: 8 }), (one, other, calls) => {
        const contexts = [contextOf(one), contextOf(other)];
        let history: ModelMessage[] = [user("hi")];
        let system = "s";
        for (const { more, reminder, change } of calls) {
          history = [...history, ...more.flat()];
          if (change === "forget the newest") history = history.slice(0, Math.ceil(history.length / 2));
          if (change === "another shape") contexts.reverse();
          if (change === "another system prompt") system += "!";
          const messages: ModelMessage[] = [{ role: "system", content: system }, ...history];
          const context = contexts[0] as WireContext;
          const request = { model: "m", messages, tools: [], reminder };
          const written = writeConversation(request, context, writerOf(messages));
          const items = listItems(messages, reminder, writerOf(messages)(context));
          expect(written).toBe(`[${items.map((item) => escapeFew(JSON.stringify(item))).join(",")}]`);
        }
      }),
    );
  });
});

describe("what is kept of a conversation", () => {
  const settle = vi.fn((message: ModelMessage) => message);
  const createWriter = (): ConversationWriter<ModelMessage> => ({
    add: (open, message) => void open.push(message),
    countSettled: (open) => open.length - 1,
    settle,
    end: (open) => [...open],
  });
  const write = (messages: ModelMessage[], context: WireContext) =>
    writeConversation({ model: "m", messages, tools: [] }, context, createWriter);
  beforeEach(() => void settle.mockClear());

  it("is not written again when it goes on", () => {
    const context = contextOf();
    const history = [user("a"), says("b"), user("c")];
    write(history, context);
    settle.mockClear();
    write([...history, says("d"), user("e")], context);
    expect(settle.mock.calls.flat()).toEqual([user("c"), says("d")]);
  });

  it("is at most 8 MiB in all: the conversation that was used the longest ago is written anew", () => {
    const context = contextOf();
    const long = "x".repeat(1024 * 1024);
    const threads = Array.from({ length: 5 }, () => [user(long), says("b")]);
    for (const thread of threads) write(thread, context);
    settle.mockClear();
    for (const thread of threads.slice(2)) write(thread, context);
    expect(settle).not.toHaveBeenCalled();
    write(threads[0] as ModelMessage[], context);
    expect(settle).toHaveBeenCalledOnce();
  });

  it("is nothing where a single conversation is longer than that", () => {
    const context = contextOf();
    const history = [user("x".repeat(5 * 1024 * 1024)), says("b")];
    const first = write(history, context);
    expect(write(history, context)).toBe(first);
    expect(settle).toHaveBeenCalledTimes(2);
  });

  it("is not used after it could not be written to its end", () => {
    const context = contextOf();
    const history = [user("a"), says("b"), user("c")];
    write(history.slice(0, 1), context);
    settle.mockImplementationOnce(() => {
      throw new Error("no");
    });
    expect(() => write(history, context)).toThrow("no");
    expect(write(history, context)).toBe(JSON.stringify(history));
  });
});
