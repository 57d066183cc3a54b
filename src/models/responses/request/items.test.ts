import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelMessage, ModelRequest } from "../../../agent/model.ts";
import { listItems } from "../../exchange/conversation.ts";
import { hashText } from "../../exchange/messages.ts";
import { type ProfileChange, plainProfile } from "../../profiles/profile.ts";
import { createItemWriter, newestItem } from "./items.ts";

const origin = "api.example gpt";
const contextOf = (change: ProfileChange, refused: string[] = []) => ({
  profile: { ...plainProfile, ...change },
  origin,
  refused_images: new Set<string>(),
  refused_items: new Set(refused.map(hashText)),
  ends: [],
});
const write = (
  messages: ModelMessage[],
  change: ProfileChange = {},
  more: Partial<ModelRequest> = {},
  refused: string[] = [],
) => listItems(messages, more.reminder ?? null, createItemWriter(messages, contextOf(change, refused)));

const user = (content: string): ModelMessage => ({ role: "user", content });
const result = (content = "r", id = "c1"): ModelMessage => ({ role: "tool", tool_call_id: id, content });
const call = (id: string, name = "f") => ({ id, type: "function" as const, function: { name, arguments: "{}" } });
const reasoning = (id: string) => ({ type: "reasoning", id, summary: [], encrypted_content: `gAAA.${id}` });
const reply = (
  content: string | null,
  calls: ReturnType<typeof call>[] = [],
  output?: unknown[],
  from = origin,
): ModelMessage => ({
  role: "assistant",
  content,
  ...(calls.length > 0 ? { tool_calls: calls } : {}),
  ...(output ? { extras: { origin: from, values: { output } } } : {}),
});
const says = (content: string, more = {}) => ({ type: "message", role: "assistant", content, ...more });
const calls = (call_id: string, name = "f") => ({ type: "function_call", call_id, name, arguments: "{}" });

describe("toInput", () => {
  it("writes a conversation as items", () => {
    const parts: ModelMessage = {
      role: "user",
      content: [
        { type: "text", text: "look" },
        { type: "image_url", image_url: { url: "https://x.example/a.png", detail: "low" } },
        { type: "image_url", image_url: { url: "https://x.example/b.png" } },
      ],
    };
    const history = [{ role: "system", content: "s" } as const, parts, reply("hm", [call("c1")]), result()];
    expect(write(history)).toEqual([
      { type: "message", role: "system", content: "s" },
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "look" },
          { type: "input_image", image_url: "https://x.example/a.png", detail: "low" },
          { type: "input_image", image_url: "https://x.example/b.png", detail: "auto" },
        ],
      },
      says("hm"),
      calls("c1"),
      { type: "function_call_output", call_id: "c1", output: "r" },
    ]);
  });

  it("puts reasoning, text and calls in the order that they came in", () => {
    const output = [
      reasoning("r1"),
      { type: "function_call", name: "f" },
      reasoning("r2"),
      { type: "message", length: 2, phase: "commentary" },
      { type: "function_call", name: "g" },
    ];
    expect(write([reply("hm", [call("c1"), call("c2", "g")], output)])).toEqual([
      reasoning("r1"),
      calls("c1"),
      reasoning("r2"),
      says("hm", { phase: "commentary" }),
      calls("c2", "g"),
    ]);
  });

  it("gives two messages their own texts and phases, or the first one a text that was changed", () => {
    const output = [
      { type: "message", length: 7, phase: "commentary" },
      reasoning("r"),
      { type: "message", length: 5, phase: "final_answer" },
    ];
    expect(write([reply("I look.\n\nDone.", [], output)])).toEqual([
      says("I look.", { phase: "commentary" }),
      reasoning("r"),
      says("Done.", { phase: "final_answer" }),
    ]);
    expect(write([reply("Another text.", [], output)])).toEqual([says("Another text.", { phase: "commentary" })]);
  });

  it("leaves reasoning out whose item is not there", () => {
    const output = [
      reasoning("r1"),
      { type: "message", length: 2 },
      reasoning("r2"),
      { type: "function_call", name: "f" },
      reasoning("r3"),
    ];
    expect(write([reply(null, [call("c1")], output)])).toEqual([reasoning("r2"), calls("c1")]);
    expect(write([reply("hm", [], output)])).toEqual([reasoning("r1"), says("hm")]);
    expect(write([reply(null, [], [reasoning("r1")])])).toEqual([]);
  });

  it("knows a call again whose name was cut or replaced when it was stored", () => {
    const named = { type: "function_call", name: "n".repeat(80) };
    const output = [reasoning("rs_0"), { type: "message", length: 1 }, reasoning("rs_1"), named];
    const items = write([reply(null, [call("c1", "n".repeat(64))], output), result()]);
    expect(items.slice(0, -1)).toEqual([reasoning("rs_1"), calls("c1", "n".repeat(64))]);
    const unnamed = [reasoning("rs_1"), { type: "function_call", name: "" }];
    expect(write([reply(null, [call("c1", "unnamed")], unnamed), result()])[0]).toEqual(reasoning("rs_1"));
  });

  it("puts calls that were read out of the text where the text was", () => {
    const output = [reasoning("r1"), { type: "message", length: 40 }, { type: "function_call", name: "g" }];
    expect(write([reply(null, [call("c1"), call("c2", "g")], output)])).toEqual([
      reasoning("r1"),
      calls("c1"),
      calls("c2", "g"),
    ]);
  });

  it("sends no reasoning to another server or family, none without its content, and none where none is taken", () => {
    const output = [reasoning("r1"), { type: "message", length: 2, phase: "final_answer" }];
    expect(write([reply("hm", [], output, "other.example gpt")])).toEqual([says("hm")]);
    const without = [
      { type: "reasoning", id: "r", summary: [] },
      { type: "message", length: 2 },
    ];
    expect(write([reply("hm", [], without)])).toEqual([says("hm")]);
    expect(write([reply("hm", [], output)], { returns_items: false })).toEqual([says("hm")]);
  });

  it("reads extras of chat completions, of a later version and of nobody as none", () => {
    for (const values of [
      { reasoning: "r", content: "c" },
      { output: "x" },
      { output: [null, 5, { type: "new" }] },
      {},
    ]) {
      const message: ModelMessage = { role: "assistant", content: "hm", extras: { origin, values } };
      expect(write([message])).toEqual([says("hm")]);
    }
  });

  it("sends no reasoning up to the newest one that the server could not read", () => {
    const turn = (id: string) => reply(id, [], [reasoning(id), { type: "message", length: id.length }]);
    const history = [user("a"), turn("r1"), user("b"), turn("r2"), user("c"), turn("r3")];
    const sent = (refused: string[]) =>
      write(history, {}, {}, refused).flatMap((item) => (item.type === "reasoning" ? [item.id] : []));
    expect([sent([]), sent(["r2"]), sent(["r3"]), sent(["gone"])]).toEqual([
      ["r1", "r2", "r3"],
      ["r3"],
      [],
      ["r1", "r2", "r3"],
    ]);
    expect(newestItem(history, contextOf({}))).toBe(hashText("r3"));
    expect(newestItem(history, contextOf({}, ["r3"]))).toBeNull();
  });

  it("maps ids that are too long or not of its characters, with their results", () => {
    const long = `call_${"x".repeat(80)}`;
    const items = write([
      reply(null, [call(long), call("functions.f:0")]),
      result("1", long),
      result("2", "functions.f:0"),
    ]);
    const ids = items.map((item) => ("call_id" in item ? item.call_id : ""));
    expect(ids.slice(0, 2)).toEqual(ids.slice(2));
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
  });

  it("ends the last result, or the last words of a person, with the reminder", () => {
    expect(write([user("a")], {}, { reminder: "R" }).at(-1)).toMatchObject({ role: "user", content: "a\n\nR" });
    expect(write([reply(null, [call("c1")]), result()], {}, { reminder: "R" }).at(-1)).toMatchObject({
      output: "r\n\nR",
    });
    expect(write([reply("hm")], {}, { reminder: "R" }).at(-1)).toMatchObject({ role: "user", content: "R" });
  });

  it("keeps to the order of roles that a server's template wants", () => {
    const history = [user("a"), user("b"), reply(null, [call("c1")]), result(), user("c")];
    const change = { merges_messages: true, bridges_results: true };
    expect(write(history, change)).toMatchObject([
      { role: "user", content: "a\n\nb" },
      { type: "function_call" },
      { type: "function_call_output" },
      { role: "assistant", content: "I have the results." },
      { role: "user", content: "c" },
    ]);
  });

  it("shows no call in a result as a call", () => {
    const page = "<tool_call>{}</tool_call>";
    const outputOf = (text_calls: boolean) => JSON.stringify(write([result(page)], { text_calls }));
    expect(outputOf(true)).not.toContain("<tool_call>");
    expect(outputOf(false)).toContain("<tool_call>");
  });
});

describe("the same history", () => {
  const places = [reasoning("r"), { type: "message", length: 1 }];
  const anyMessages = fc.constantFrom<ModelMessage[]>(
    [user("a")],
    [reply("x", [], places)],
    [reply("x", [call("c1")], [...places, { type: "function_call", name: "f" }]), result()],
    [reply(null, [call("functions.f:0")]), result("long", "functions.f:0")],
    [reply("x", [], [reasoning("q"), { type: "message", length: 1, phase: "commentary" }])],
  );
  const anyProfile = fc.record({
    bridges_results: fc.boolean(),
    merges_messages: fc.boolean(),
    ids: fc.constantFrom("any", "nine", "kimi"),
    returns_items: fc.boolean(),
  }) as fc.Arbitrary<ProfileChange>;

  it("gives the same bytes at each step, but for the end of the last item", () => {
    fc.assert(
      fc.property(
        fc.array(anyMessages, { minLength: 1, maxLength: 12 }),
        anyProfile,
        fc.constantFrom<string[]>([], ["r"], ["q"]),
        fc.nat(11),
        (parts, change, refused, cut) => {
          // A lesson is about what was sent: it is learned behind the messages that both requests have.
          const both = parts.slice(0, cut + 1).flat();
          const before = write(both, change, { reminder: "r1" }, refused);
          const after = write([...both, user("more")], change, { reminder: "r2" }, refused);
          const last = before.at(-1);
          const isReminder = last !== undefined && "content" in last && last.content === "r1";
          const stable = before.slice(0, isReminder ? -2 : -1);
          expect(JSON.stringify(after.slice(0, stable.length))).toBe(JSON.stringify(stable));
        },
      ),
    );
  });

  it("is never changed by writing it, and keeps reasoning before what it led to", () => {
    fc.assert(
      fc.property(fc.array(anyMessages, { minLength: 1, maxLength: 12 }), anyProfile, (parts, change) => {
        const messages = structuredClone(parts.flat());
        const before = JSON.stringify(messages);
        const items = write(messages, change, { reminder: "r" });
        expect(JSON.stringify(messages)).toBe(before);
        for (const [at, item] of items.entries()) {
          if (item.type === "reasoning") expect(items[at + 1]).toMatchObject(says("x"));
        }
      }),
    );
  });
});
