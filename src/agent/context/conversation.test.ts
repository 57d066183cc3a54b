import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../../test/setup/run-count.ts";
import type { ModelMessage } from "../model.ts";
import { Conversation, type StoredConversation } from "./conversation.ts";
import type { Summary } from "./summary.ts";
import { estimateMessages, separateImages } from "./tokens.ts";

/** Few, so that they repeat, as servers that count from 0 let them. */
const id = fc.constantFrom("a", "b", "c");
const text = fc.constantFrom("", "text", "<reminder>", "word ".repeat(400));

const row: fc.Arbitrary<ModelMessage> = fc.oneof(
  text.map((content): ModelMessage => ({ role: "user", content })),
  fc.constant<ModelMessage>({ role: "user", content: "hello", preamble: "It is Friday." }),
  fc.constant<ModelMessage>({ role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] }),
  text.map((content): ModelMessage => ({ role: "assistant", content })),
  fc.array(id, { minLength: 1, maxLength: 3 }).chain((ids) =>
    fc.constantFrom("{}", '{"a":', `{"text":"${"x".repeat(2_000)}"}`).map(
      (written): ModelMessage => ({
        role: "assistant",
        content: null,
        tool_calls: ids.map((each) => ({ id: each, type: "function", function: { name: "f", arguments: written } })),
      }),
    ),
  ),
  fc.tuple(id, text).map(([tool_call_id, content]): ModelMessage => ({ role: "tool", tool_call_id, content })),
);

/** A run sees so many tokens of each message, has some of its calls still to make, and adds rows. */
const run = fc.record({
  limit: fc.constantFrom(100, 100, 1_000),
  expected: fc.option(fc.subarray(["a", "b", "c"])),
  rows: fc.array(row, { maxLength: 6 }),
  is_too_long: fc.boolean(),
});

const summary: Summary = {
  message: { role: "user", content: "<conversation_summary>" },
  text: "",
  said: [],
  omitted: 0,
  last_text: "",
  kept: 2,
  message_limit: 50,
};

describe("a conversation that continues", () => {
  it("sends at the start of each run what one that is built anew of its rows sends", () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 8 }),
        fc.constantFrom<StoredConversation>(
          { history: [], summary: null, opening: [] },
          { history: [], summary, opening: ["It is Monday."] },
        ),
        fc.array(run, { minLength: 1, maxLength: 5 }),
        (history, stored, runs) => {
          const conversation = new Conversation({ ...stored, history });
          for (const { limit, expected, rows, is_too_long } of runs) {
            const anew = new Conversation({ ...stored, history: conversation.rows });
            for (const each of [conversation, anew]) {
              each.begin(limit);
              each.show(expected === null ? undefined : new Set(expected));
            }
            expect(conversation.messages).toEqual(anew.messages);
            for (const each of [conversation, anew]) each.show();
            expect(conversation.messages).toEqual(anew.messages);
            expect(conversation.size).toBe(estimateMessages(anew.messages));
            expect(conversation.images).toEqual(separateImages(anew.messages).images);
            expect(conversation.callIds).toEqual(anew.callIds);
            expect(conversation.bytes).toBe(anew.bytes);
            if (is_too_long) conversation.limitRows(60);
            for (const each of rows) conversation.add(each);
          }
        },
      ),
      { numRuns: runCount(500) },
    );
  });

  it("gives a late result to the first call of its id, also if that was sent as lost", () => {
    const called: ModelMessage = {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
    };
    const conversation = new Conversation({ history: [called], summary: null, opening: [] });
    conversation.begin(1_000);
    conversation.show();
    const result: ModelMessage = { role: "tool", tool_call_id: "a", content: "late" };
    for (const each of [{ role: "user" as const, content: "go on" }, called, result]) conversation.add(each);
    conversation.show();
    expect(conversation.messages[1]).toEqual(result);
    expect(conversation.messages.at(-1)).not.toEqual(result);
  });

  it("looks at no earlier message again when a run begins as the one before it ended", () => {
    const conversation = new Conversation({ history: [], summary: null, opening: [] });
    conversation.begin(1_000);
    conversation.show();
    conversation.add({ role: "user", content: "hello" });
    conversation.add({ role: "assistant", content: "Hello." });
    const [first] = conversation.messages;
    // A message that is put in by hand would be gone if the rows were looked at.
    conversation.messages.push({ role: "user", content: "by hand" });
    conversation.begin(1_000);
    conversation.show();
    expect(conversation.messages).toEqual([first, { role: "assistant", content: "Hello." }, expect.anything()]);
  });
});
