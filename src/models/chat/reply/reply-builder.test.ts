import { describe, expect, it } from "vitest";
import { build, callPiece, delta, named, open } from "../../../../test/fakes/chat-deltas.ts";
import type { ModelDelta } from "../../../agent/model.ts";
import { plainProfile } from "../../profiles/profile.ts";
import { createReplyBuilder } from "./reply-builder.ts";

describe("createReplyBuilder", () => {
  it("reads text, both names of reasoning, refusals and content in parts", () => {
    const { reply } = build([
      delta({ reasoning_content: "a" }),
      delta({ reasoning: "b" }),
      delta({
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "c" }] },
          { type: "text", text: "1" },
        ],
      }),
      delta({ content: "2" }),
      delta({ refusal: "3" }, "stop"),
    ]);
    expect(reply).toMatchObject({ text: "123", reasoning: "abc", finish: "stop", tool_calls: [] });
  });

  it("joins the pieces of a call by index", () => {
    const { reply } = build([
      callPiece({ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }),
      callPiece({ index: 0, function: { arguments: '{"a"' } }),
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: ":1}" } }),
    ]);
    expect(named(reply)).toEqual([["c1", "f", '{"a":1}']]);
  });

  it("treats a new id and name under a known index as another call", () => {
    const { reply } = build([
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: "{}" } }),
      callPiece({ index: 0, id: "c2", function: { name: "g", arguments: "{" } }),
      callPiece({ index: 0, function: { arguments: "}" } }),
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", "{}"],
      ["c2", "g", "{}"],
    ]);
  });

  it("treats whole calls without ids under one index as calls of their own", () => {
    const { reply } = build([
      callPiece({ index: 0, function: { name: "f", arguments: '{"a":1}' } }),
      callPiece({ index: 0, function: { name: "f", arguments: '{"a":2}' } }),
    ]);
    expect(named(reply)).toEqual([
      ["", "f", '{"a":1}'],
      ["", "f", '{"a":2}'],
    ]);
  });

  it("treats another name behind whole arguments as another call, also under the same index and id", () => {
    const whole = (name: string) => ({ index: 0, id: "call_0", function: { name, arguments: { of: name } } });
    const { reply } = build([callPiece(whole("f")), callPiece(whole("g"))]);
    expect(named(reply).map(([, name, written]) => [name, written])).toEqual([
      ["f", '{"of":"f"}'],
      ["g", '{"of":"g"}'],
    ]);
  });

  it("assigns pieces of calls that come without an index", () => {
    const { reply } = build([
      callPiece({ id: "c1", function: { name: "f", arguments: '{"a' } }),
      callPiece({ function: { arguments: '":1}' } }),
      callPiece({ function: { name: "g", arguments: { b: 2 } } }),
      callPiece({ id: "c1", function: { arguments: " " } }),
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", '{"a":1} '],
      ["", "g", '{"b":2}'],
    ]);
  });

  it("joins a name that comes in pieces, and announces the call when its name is whole", () => {
    const tools = ["read", "read_file"];
    const pieces = [
      callPiece({ index: 0, id: "c1", function: { name: "read" } }),
      callPiece({ index: 0, function: { name: "_fi" } }),
      callPiece({ index: 0, function: { name: "le" } }),
      callPiece({ index: 0, function: { arguments: "{}" } }),
    ];
    expect(named(build(pieces, 10_000, tools).reply)).toEqual([["c1", "read_file", "{}"]]);
    const { builder, deltas } = open(tools);
    for (const [at, piece] of pieces.entries()) {
      builder.accept(piece as never);
      expect(deltas.length > 0, `piece ${at}`).toBe(at >= 2);
    }
  });

  it("announces a call with the first piece if no other tool begins with its name", () => {
    const { builder, deltas } = open(["f", "g"]);
    builder.accept(callPiece({ index: 0, id: "c1", function: { name: "f", arguments: "" } }) as never);
    expect(deltas).toEqual([{ type: "tool_call", index: 0, id: "c1", name: "f" }]);
  });

  it.each([[{ index: 0 }], [{}]])("keeps one call together under an id that changes with each piece: %j", (place) => {
    const { reply } = build([
      callPiece({ ...place, id: "a1", function: { name: "f", arguments: "" } }),
      callPiece({ ...place, id: "a2", function: { arguments: '{"a"' } }),
      callPiece({ ...place, id: "a3", function: { name: "index" in place ? "f" : "", arguments: ":1}" } }),
    ]);
    expect(named(reply)).toEqual([["a1", "f", '{"a":1}']]);
  });

  it("is not misled by empty ids and names in later pieces", () => {
    const { reply } = build([
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: "{" } }),
      callPiece({ index: 0, id: "", function: { name: "", arguments: "}" } }),
    ]);
    expect(named(reply)).toEqual([["c1", "f", "{}"]]);
  });

  it("takes from a whole message in the last chunk only what has not come yet", () => {
    const message = {
      role: "assistant",
      content: "Hello there.",
      reasoning_content: "hm",
      tool_calls: [{ id: "c", function: { name: "f", arguments: '{"a":1}' } }],
    };
    const last = { object: "chat.completion", choices: [{ message, finish_reason: "tool_calls" }] };
    const call = callPiece({ index: 0, id: "c", function: { name: "f", arguments: '{"a":1}' } });
    const whole = build([delta({ reasoning_content: "hm" }), delta({ content: "Hello there." }), call, last]).reply;
    expect(whole).toMatchObject({ text: "Hello there.", reasoning: "hm", finish: "tool_calls" });
    expect(named(whole)).toEqual([["c", "f", '{"a":1}']]);
    const part = build([delta({ content: "Hello" }), last]).reply;
    expect(part.text).toBe("Hello there.");
    expect(named(part)).toEqual([["c", "f", '{"a":1}']]);
    expect(build([delta({ content: "Something else" }), last]).reply.text).toBe("Something else");
  });

  it("reads reasoning beside an empty field of the other name, or in details alone", () => {
    expect(build([delta({ reasoning_content: "", reasoning: "a" })]).reply.reasoning).toBe("a");
    expect(
      build([delta({ reasoning_content: null, reasoning: "a", reasoning_details: [{ text: "a" }] })]).reply.reasoning,
    ).toBe("a");
    expect(build([delta({ reasoning_details: [{ type: "reasoning.text", text: "b" }] })]).reply.reasoning).toBe("b");
  });

  it.each([
    ["end_turn", "stop"],
    ["STOP", "stop"],
    ["tool_use", "tool_calls"],
    ["function_call", "tool_calls"],
    ["max_tokens", "length"],
    ["model_length", "length"],
    ["sensitive", "content_filter"],
    ["SAFETY", "content_filter"],
  ])("knows %s as an end", (word, finish) => {
    const { builder } = open();
    builder.accept(delta({ content: "x" }, word) as never);
    expect([builder.finished, builder.broken, builder.reply().finish]).toEqual([true, null, finish]);
  });

  it.each(["insufficient_system_resource", "network_error", "abort", "error", "unknown", "constructor"])(
    "takes %s for a reply that the server broke off",
    (word) => {
      const { builder } = open();
      builder.accept(delta({ content: "Half" }, word) as never);
      expect([builder.finished, builder.broken]).toEqual([false, { word, too_long: false }]);
    },
  );

  it("takes a server's own word for an end as one, and the word null for none", () => {
    const deltas: ModelDelta[] = [];
    const builder = createReplyBuilder((delta) => deltas.push(delta), { max_characters: 100, ends: ["finito"] });
    builder.accept(delta({ content: "x" }, "null") as never);
    expect([builder.finished, builder.broken]).toEqual([false, null]);
    builder.accept(delta({ content: "y" }, "finito") as never);
    expect([builder.finished, builder.reply().finish]).toEqual([true, "other"]);
  });

  it("gathers what the provider wants back, by the positions of its calls", () => {
    const { builder } = open();
    const signature = { google: { thought_signature: "s" } };
    builder.accept(delta({ reasoning_content: "hm", extra_content: { a: 1 } }) as never);
    builder.accept(
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: "{}" }, extra_content: signature }) as never,
    );
    builder.accept(callPiece({ index: 1, id: "c2", function: { name: "g", arguments: "{}" } }) as never);
    expect(builder.extras(plainProfile, "here")).toEqual({
      origin: "here",
      values: {
        reasoning: "hm",
        message_extra: { a: 1 },
        call_extras: [
          { name: "f", extra: signature },
          { name: "g", extra: undefined },
        ],
      },
    });
  });

  it("holds arguments back until the name is known, and announces a nameless call at the end", () => {
    const { reply, deltas } = build([
      callPiece({ index: 0, id: "c1", function: { arguments: "{" } }),
      callPiece({ index: 0, function: { name: "f", arguments: "}" } }),
      callPiece({ index: 1, id: "c2", function: { arguments: "{}" } }),
    ]);
    expect(deltas).toEqual([
      { type: "tool_call", index: 0, id: "c1", name: "f" },
      { type: "tool_arguments", index: 0, text: "{}" },
      { type: "tool_call", index: 1, id: "c2", name: "" },
      { type: "tool_arguments", index: 1, text: "{}" },
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", "{}"],
      ["c2", "", "{}"],
    ]);
  });

  it("reads usage from every place where providers put it", () => {
    const spent = { prompt_tokens: 10, completion_tokens: 3 };
    expect(
      build([{ choices: [], usage: { ...spent, prompt_tokens_details: { cached_tokens: 4 }, cost: 0.5 } }]).reply.usage,
    ).toEqual({
      input_tokens: 10,
      cached_input_tokens: 4,
      output_tokens: 3,
      cost_usd: 0.5,
    });
    const plain = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 3, cost_usd: null };
    for (const cached of [{ cached_tokens: 4 }, { prompt_cache_hit_tokens: 4 }]) {
      expect(build([{ choices: [], usage: { ...spent, ...cached } }]).reply.usage?.cached_input_tokens).toBe(4);
    }
    expect(build([{ choices: [{ delta: {}, usage: spent }] }]).reply.usage).toEqual(plain);
    expect(build([{ x_groq: { usage: spent } }]).reply.usage).toEqual(plain);
    expect(build([delta({ content: "x" })]).reply.usage).toBeNull();
  });

  it("takes a count for none that came before the end of what was written", () => {
    const usage = { prompt_tokens: 10, completion_tokens: 1 };
    const early = { ...delta({ content: "a" }), usage };
    const later = { choices: [], usage: { ...usage, completion_tokens: 3 } };
    expect(build([early, delta({ content: "b" }, "stop")]).reply.usage).toBeNull();
    expect(build([early, callPiece({ index: 0, id: "c", function: { name: "f" } })]).reply.usage).toBeNull();
    expect(build([early, delta({}, "stop")]).reply.usage).toMatchObject({ output_tokens: 1 });
    expect(build([early, delta({ content: "b" }, "stop"), later]).reply.usage).toMatchObject({ output_tokens: 3 });
  });

  it("reads the whole message of a server that does not stream", () => {
    const message = {
      role: "assistant",
      content: "hi",
      tool_calls: [{ id: "c", function: { name: "f", arguments: "{}" } }],
    };
    const { reply } = build([{ choices: [{ message, finish_reason: "tool_calls" }] }]);
    expect(reply).toMatchObject({ text: "hi", finish: "tool_calls" });
    expect(named(reply)).toEqual([["c", "f", "{}"]]);
  });
});
