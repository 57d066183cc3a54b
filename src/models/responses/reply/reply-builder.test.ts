import { describe, expect, it } from "vitest";
import {
  added,
  args,
  build,
  call,
  callsOf,
  completed,
  done,
  type Event,
  message,
  planned,
  reasoning,
  sum,
  text,
  typical,
} from "../../../../test/fakes/responses-events.ts";

describe("createReplyBuilder", () => {
  it("adds up what OpenAI streams", () => {
    const { builder, deltas, reply } = build(typical());
    expect(reply).toMatchObject({
      text: planned.text,
      reasoning: planned.reasoning,
      finish: "tool_calls",
      usage: { input_tokens: 120, cached_input_tokens: 64, output_tokens: 40, cost_usd: null },
    });
    expect(reply.tool_calls.map((each) => JSON.parse(each.function.arguments))).toEqual([{ path: "a" }, { path: "b" }]);
    expect(sum(deltas)).toEqual({ text: reply.text, reasoning: reply.reasoning, tool_calls: reply.tool_calls });
    expect([builder.finished, builder.broken, builder.progress]).toEqual([true, null, "finished"]);
  });

  it("takes a count for none that came before the end of what was written", () => {
    const events = typical();
    const usage = { input_tokens: 120, output_tokens: 1 };
    const [first, ...others] = events.map((event) =>
      event.type === "response.completed"
        ? { ...event, response: { ...(event.response as Event), usage: null } }
        : event,
    );
    const early = { type: "response.in_progress", response: { status: "in_progress", usage } };
    expect(build([first as Event, early, ...others]).reply).toMatchObject({ text: planned.text, usage: null });
    expect(build([early, ...events]).reply.usage).toMatchObject({ output_tokens: 40 });
  });

  it("keeps reasoning, phases and the places of messages and calls for the way back", () => {
    expect(build(typical()).extras).toEqual([
      {
        type: "reasoning",
        id: "rs_0",
        summary: [{ type: "summary_text", text: "Both files." }],
        encrypted_content: "gAAA.rs_0",
      },
      { type: "message", length: planned.text?.length, phase: "commentary" },
      { type: "function_call", name: "read" },
      { type: "function_call", name: "read" },
    ]);
  });

  it("gives the same reply without its deltas, without its ends, and from the whole response alone", () => {
    const whole = build(typical()).reply;
    const without = (pattern: RegExp) => build(typical().filter(({ type }) => !pattern.test(String(type)))).reply;
    expect(without(/delta$/)).toEqual(whole);
    expect(without(/\.done$/)).toEqual(whole);
    expect(without(/^(?!response\.completed)/)).toEqual(whole);
    expect(without(/added$|done$/).text).toBe(whole.text);
    const { response } = typical().at(-1) as { response: Event };
    expect(build([response]).reply).toEqual(whole);
  });

  it("keeps parallel calls apart whose arguments come in turns, by place or by id", () => {
    const output = [call("a", { id: "1" }), call("b", { id: "2" })];
    const byPlace = [
      added(output[0] as Event, 0),
      added(output[1] as Event, 1),
      args("{1", 0),
      args("{2", 1),
      args("}", 0),
      args("}", 1),
    ];
    expect(callsOf(build([...byPlace, completed()]).reply)).toEqual([
      ["a", "f", "{1}"],
      ["b", "f", "{2}"],
    ]);
    const byId = [
      added(output[0] as Event),
      added(output[1] as Event),
      args("{1", undefined, "1"),
      args("{2", undefined, "2"),
      args("}", undefined, "1"),
    ];
    expect(callsOf(build([...byId, completed()]).reply)).toEqual([
      ["a", "f", "{1}"],
      ["b", "f", "{2"],
    ]);
  });

  it.each([
    [
      "that comes only when it is done",
      [added(call("a"), 0), { type: "response.function_call_arguments.done", output_index: 0, arguments: "{}" }],
    ],
    ["that is done without having been added", [done(call("a", { arguments: "{}" }), 0)]],
    ["that has no place", [added(call("a", { arguments: "" })), args("{}"), done(call("a", { arguments: "{}" }))]],
    [
      "that has arguments when it is added",
      [added(call("a", { arguments: "{}", status: "in_progress" }), 0), args("{", 0), args("}", 0)],
    ],
    ["whose name comes last", [args("{}", 0), done(call("a", { arguments: "{}" }), 0)]],
    [
      "whose ids are new in each event",
      [added(call("a", { id: "x1" }), 0), args("{}", 0, "x2"), done(call("a", { id: "x3", arguments: "{}" }), 0)],
    ],
    ["that is added twice", [added(call("a"), 0), added(call("a"), 0), args("{}", 0)]],
    [
      "that is done twice",
      [added(call("a"), 0), done(call("a", { arguments: "{}" }), 0), done(call("a", { arguments: "{}" }), 0)],
    ],
    ["whose arguments are an object", [done(call("a", { arguments: {} }), 0)]],
    ["with null fields", [added(call("a", { id: null, status: null, arguments: null }), 0), args("{}", 0)]],
  ])("reads a call %s once", (_how, events) => {
    for (const output of [[], [call("a", { arguments: "{}" })]]) {
      const { reply, deltas } = build([...(events as Event[]), completed(output)]);
      expect(callsOf(reply)).toEqual([["a", "f", "{}"]]);
      expect(sum(deltas).tool_calls).toEqual(reply.tool_calls);
    }
  });

  it("takes a place that is used a second time for another item", () => {
    const events = [added(call("a", { id: "1" }), 0), args("{1}", 0), added(call("b", { id: "2" }), 0), args("{2}", 0)];
    expect(callsOf(build([...events, completed()]).reply)).toEqual([
      ["a", "f", "{1}"],
      ["b", "f", "{2}"],
    ]);
    const shared = [text("Hello", 0), args("{}", 0), done(call("a", { arguments: "{}" }), 0)];
    expect(build([...shared, completed()]).reply).toMatchObject({ text: "Hello", tool_calls: [{ id: "a" }] });
  });

  it("keeps to ids where a server has one place for everything, and to places where ids are new each time", () => {
    const calls = [
      added(call("a", { id: "1" }), 0),
      added(call("b", { id: "2" }), 0),
      args("{1", 0, "1"),
      args("{2", 0, "2"),
      args("}", 0, "1"),
      args("}", 0, "2"),
    ];
    expect(callsOf(build([...calls, completed()]).reply)).toEqual([
      ["a", "f", "{1}"],
      ["b", "f", "{2}"],
    ]);
    const late = [
      text("He", 0, { item_id: "x1" }),
      added({ type: "message", id: "x2" }, 0),
      text("llo", 0, { item_id: "x3" }),
      done(message("Hello", { id: "x4" }), 0),
    ];
    expect(build([...late, completed([message("Hello", { id: "x5" })])]).reply.text).toBe("Hello");
    const onePlace = [
      { type: "response.reasoning_text.delta", delta: "Hm", output_index: 0 },
      text("Hel", 0),
      { type: "response.reasoning_text.delta", delta: "m.", output_index: 0 },
      text("lo", 0),
      done(reasoning("", null, { content: [{ type: "reasoning_text", text: "Hmm." }] }), 0),
      done(message("Hello"), 0),
    ];
    expect(build([...onePlace, completed([message("Hello")])]).reply).toMatchObject({
      text: "Hello",
      reasoning: "Hmm.",
    });
  });

  it("knows an item of the whole response by its id before it takes it for the next of its kind", () => {
    const streamed = { type: "response.reasoning_summary_text.delta", delta: "Hm.", output_index: 1, item_id: "rs_2" };
    const shown = reasoning("rs_2", "B", { summary: [{ type: "summary_text", text: "Hm." }] });
    const output = [reasoning("rs_1", "A", { summary: [] }), shown, message("Yes.")];
    expect(build([streamed, text("Yes.", 2), completed(output)]).reply).toMatchObject({
      reasoning: "Hm.",
      text: "Yes.",
    });
  });

  it("shows two messages as two paragraphs, and knows their texts again", () => {
    const events = [
      added({ type: "message", id: "m1", content: [] }, 0),
      text("I look.", 0),
      done(message("I look.", { id: "m1", phase: "commentary" }), 0),
      added({ type: "message", id: "m2", content: [] }, 1),
      text("Done.", 1),
      done(message("Done.", { id: "m2", phase: "final_answer" }), 1),
      completed([message("I look."), message("Done.")]),
    ];
    const { reply, extras } = build(events);
    expect(reply.text).toBe("I look.\n\nDone.");
    expect(extras).toEqual([
      { type: "message", length: 7, phase: "commentary" },
      { type: "message", length: 5, phase: "final_answer" },
    ]);
  });

  it("reads refusals as text, and content of several parts", () => {
    const parts = [text("a", 0, { content_index: 0 }), text("b", 0, { content_index: 1 })];
    expect(
      build([
        ...parts,
        { type: "response.refusal.delta", delta: "No.", output_index: 0, content_index: 2 },
        completed(),
      ]).reply.text,
    ).toBe("abNo.");
    const refused = [{ type: "refusal", refusal: "I can't." }];
    expect(build([completed([{ type: "message", role: "assistant", content: refused }])]).reply.text).toBe("I can't.");
  });

  it.each([
    [completed(), "stop"],
    [
      {
        type: "response.incomplete",
        response: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      },
      "length",
    ],
    [{ type: "response.incomplete", response: { incomplete_details: null } }, "length"],
    [{ type: "response.incomplete", response: { incomplete_details: { reason: "content_filter" } } }, "content_filter"],
    [
      { type: "response.completed", response: { status: "incomplete", incomplete_details: { reason: "max_tokens" } } },
      "length",
    ],
    [{ type: "response.done", response: { output: null } }, "stop"],
    [{ type: "response.completed", response: {} }, "stop"],
  ])("ends with %j as %s", (event, finish) => {
    const { builder, reply } = build([text("a", 0), event]);
    expect([builder.finished, reply.finish]).toEqual([true, finish]);
  });

  it.each(["cancelled", "lost"])("is broken by the status %s", (status) => {
    const { builder } = build([text("a", 0), { type: "response.completed", response: { status } }]);
    expect([builder.finished, builder.broken?.word]).toEqual([false, status]);
  });

  it("has not ended without an event that says so, whatever else came", () => {
    const events = typical().slice(0, -1);
    expect(build(events).builder.finished).toBe(false);
    expect(
      build([{ type: "response.created", response: { status: "in_progress", output: [] } }]).builder.progress,
    ).toBe("waiting");
  });

  it("ignores events that it does not know, and all after the end", () => {
    const odd: Event[] = [
      { type: "response.output_text.annotation.added", annotation: {} },
      { type: "keepalive", sequence_number: 1 },
      { type: 5 },
      {},
      { type: "response.output_item.added" },
      { type: "response.output_item.done", item: "x" },
      { type: "response.in_progress", response: null },
    ];
    expect(build([...odd, text("a", 0), completed(), text("b", 0), completed([message("abc")])]).reply.text).toBe("a");
  });
});
