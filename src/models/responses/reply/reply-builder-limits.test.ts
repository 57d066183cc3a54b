// Replies without end, and events that nobody sends.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  added,
  args,
  build,
  call,
  done,
  type Event,
  reasoning,
  sum,
  text,
  typical,
} from "../../../../test/fakes/responses-events.ts";
import { MAX_TOOL_CALLS, ReplyTooLong } from "../../exchange/reply.ts";

describe("createReplyBuilder", () => {
  it("stops a reply that grows without end: text, arguments, calls, encrypted content", () => {
    const long = "x".repeat(60);
    const attacks = [
      [text(long, 0), text(long, 0)],
      [args(long, 0), args(long, 0)],
      [done(reasoning("r", long), 0), done(reasoning("s", long), 1)],
      Array.from({ length: MAX_TOOL_CALLS + 1 }, (_, at) => added(call("", { name: "" }), at)),
      Array.from({ length: 2000 }, (_, at) => added({ type: "message" }, at)),
    ];
    for (const events of attacks) expect(() => build(events as Event[], 100)).toThrow(ReplyTooLong);
  });

  it("throws nothing else and keeps to its deltas, whatever comes", () => {
    const anyValue = fc.oneof(fc.jsonValue(), fc.constantFrom("a", "m1", 0, 1, null));
    const types = typical().map(({ type }) => String(type));
    const anyEvent = fc.record(
      {
        type: fc.constantFrom(...new Set(types), "response.incomplete", "x"),
        delta: anyValue,
        text: anyValue,
        arguments: anyValue,
        output_index: anyValue,
        content_index: anyValue,
        summary_index: anyValue,
        item_id: anyValue,
        item: fc.oneof(
          anyValue,
          fc.record({
            type: fc.constantFrom("message", "reasoning", "function_call"),
            id: anyValue,
            call_id: anyValue,
            name: anyValue,
            arguments: anyValue,
            content: anyValue,
            summary: anyValue,
            encrypted_content: anyValue,
          }),
        ),
        response: fc.oneof(anyValue, fc.record({ status: anyValue, output: anyValue, usage: anyValue })),
      },
      { requiredKeys: ["type"] },
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
        const { reply, deltas } = build(events);
        expect(sum(deltas)).toEqual({ text: reply.text, reasoning: reply.reasoning, tool_calls: reply.tool_calls });
      }),
    );
  });
});
