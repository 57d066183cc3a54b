import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { ModelMessage, ModelRequest } from "../../../agent/model.ts";
import { listItems } from "../../exchange/conversation.ts";
import { hashImage } from "../../exchange/messages.ts";
import { type Profile, type ProfileChange, plainProfile } from "../../profiles/profile.ts";
import { createMessageWriter } from "./messages.ts";

const origin = "api.example kimi";
const profileOf = (change: ProfileChange): Profile => ({ ...plainProfile, ...change });
const write = (
  messages: ModelMessage[],
  change: ProfileChange = {},
  more: Partial<ModelRequest> = {},
  refused: string[] = [],
) =>
  listItems(
    messages,
    more.reminder ?? null,
    createMessageWriter({
      ...{ profile: profileOf(change), origin, refused_images: new Set(refused), refused_items: new Set(), ends: [] },
    }),
  );

const user = (content: string): ModelMessage => ({ role: "user", content });
const says = (content: string, values?: Record<string, unknown>, from = origin): ModelMessage => ({
  role: "assistant",
  content,
  ...(values ? { extras: { origin: from, values } } : {}),
});
const calls = (values?: Record<string, unknown>, from = origin): ModelMessage => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
  ...(values ? { extras: { origin: from, values } } : {}),
});
const result = (content = "done"): ModelMessage => ({ role: "tool", tool_call_id: "c1", content });

it("sends no text of spaces beside calls", () => {
  const spaces = { ...calls(), content: "\n\n" } as ModelMessage;
  expect(write([spaces], { empty_content: "null" })[0]).toMatchObject({ content: null });
  expect(write([spaces])[0]).toMatchObject({ content: "" });
});

describe("the reminder", () => {
  it("stands at the end of the last result", () => {
    const wire = write([user("hi"), calls(), result()], {}, { reminder: "<reminder>x</reminder>" });
    expect(wire.at(-1)).toEqual({ role: "tool", tool_call_id: "c1", content: "done\n\n<reminder>x</reminder>" });
    expect(wire).toHaveLength(3);
  });

  it("stands at the end of the person's last message, beside its images", () => {
    expect(write([user("hi")], {}, { reminder: "r" })).toEqual([{ role: "user", content: "hi\n\nr" }]);
    const image = { type: "image_url" as const, image_url: { url: "data:x" } };
    expect(write([{ role: "user", content: [image] }], {}, { reminder: "r" })).toEqual([
      { role: "user", content: [image, { type: "text", text: "r" }] },
    ]);
  });

  it("is a message of its own behind a text of the model", () => {
    expect(write([user("hi"), says("x")], {}, { reminder: "r" }).at(-1)).toEqual({ role: "user", content: "r" });
  });
});

describe("what a provider wants back", () => {
  const reasoning = { field: "reasoning_content", on: "calls", required: true } as const;

  it("goes back to the server and family that made it", () => {
    const [message] = write([calls({ reasoning: "because" })], { reasoning });
    expect(message).toMatchObject({ reasoning_content: "because", content: "" });
  });

  it("never goes to another one, which gets an empty text where it needs the field", () => {
    const values = {
      reasoning: "secret",
      details: ["secret"],
      call_extras: [{ name: "f", extra: "secret" }],
      content: "<think>secret</think>",
    };
    const wire = write([calls(values, "other.example kimi")], { reasoning, thinks: true });
    expect(wire[0]).toMatchObject({ reasoning_content: "" });
    expect(JSON.stringify(wire)).not.toContain("secret");
  });

  it("is left out where the profile sends none", () => {
    const values = {
      reasoning: "r",
      details: [1],
      message_extra: { a: 1 },
      call_extras: [{ name: "f", extra: { b: 1 } }],
    };
    const [message] = write([calls(values)], {
      reasoning: { ...reasoning, field: null },
      details: false,
      signatures: "no",
    });
    expect(Object.keys(message ?? {}).sort()).toEqual(["content", "role", "tool_calls"]);
    expect(JSON.stringify(message)).not.toMatch(/extra/);
  });

  it("goes with every message of the model, or with its calls only", () => {
    const both = [says("x", { reasoning: "a" }), calls({ reasoning: "b" })];
    expect(write(both, { reasoning }).map((each) => each.reasoning_content)).toEqual([undefined, "b"]);
    expect(write(both, { reasoning: { ...reasoning, on: "all" } }).map((each) => each.reasoning_content)).toEqual([
      "a",
      "b",
    ]);
  });

  it("returns thoughts in the content as they were written, without calls that were read out of it", () => {
    const written = { content: "<think>\nhm\n</think>\n\nHello." };
    expect(write([says("Hello.", written)], { thinks: true })[0]?.content).toBe(written.content);
    const inText = {
      content: '<think>hm</think>I look.<minimax:tool_call><invoke name="f"></invoke></minimax:tool_call>',
    };
    const called = { ...calls(inText), content: "I look." };
    expect(write([called], { thinks: true })[0]?.content).toBe("<think>hm</think>\n\nI look.");
    expect(write([calls(inText)], { thinks: true })[0]?.content).toBe("<think>hm</think>");
    expect(write([says("Hello.", written)])[0]?.content).toBe("Hello.");
  });

  it("returns signatures of calls, and a documented word for the first call of another model", () => {
    const kept = { call_extras: [{ name: "f", extra: { google: { thought_signature: "sig" } } }] };
    const extra = (wire: ReturnType<typeof write>) =>
      (wire[0]?.tool_calls as { extra_content: unknown }[] | undefined)?.[0]?.extra_content;
    expect(extra(write([calls(kept)], { signatures: "required" }))).toEqual({ google: { thought_signature: "sig" } });
    expect(extra(write([calls(kept, "x")], { signatures: "required" }))).toMatchObject({
      google: { thought_signature: "skip_thought_signature_validator" },
    });
    expect(extra(write([calls()]))).toBeUndefined();
  });
});

describe("the order of messages", () => {
  it("has a message of the model between a result and a person's words where the server wants one", () => {
    const messages = [calls(), result(), user("and now?")];
    expect(write(messages, { bridges_results: true }).map(({ role }) => role)).toEqual([
      "assistant",
      "tool",
      "assistant",
      "user",
    ]);
    expect(write(messages).map(({ role }) => role)).toEqual(["assistant", "tool", "user"]);
  });

  it("merges messages of one role in a row, a text and its calls too, and never results", () => {
    const messages = [user("a"), user("b"), says("x"), says("y"), calls(), result()];
    const merged = write(messages, { merges_messages: true });
    expect(merged.map(({ role, content }) => [role, content])).toEqual([
      ["user", "a\n\nb"],
      ["assistant", "x\n\ny"],
      ["tool", "done"],
    ]);
    expect(merged[1]?.tool_calls).toHaveLength(1);
    expect(write(messages)).toHaveLength(6);
  });

  it("keeps the reasoning of both messages that it merges", () => {
    const reasoning = { field: "reasoning_content", on: "all", required: true } as const;
    const messages = [says("x", { reasoning: "a" }), says("y"), says("z", { reasoning: "b", details: [1] })];
    expect(write(messages, { merges_messages: true, reasoning })).toEqual([
      { role: "assistant", content: "x\n\ny\n\nz", reasoning_content: "a\n\nb", reasoning_details: [1] },
    ]);
  });

  it("gives the system prompt to the person's message where the server knows no system role", () => {
    const messages: ModelMessage[] = [{ role: "system", content: "s" }, user("a")];
    expect(write(messages, { system: "user", merges_messages: true })).toEqual([{ role: "user", content: "s\n\na" }]);
  });
});

describe("images", () => {
  const image = (url: string) => ({ type: "image_url" as const, image_url: { url } });
  const message: ModelMessage = {
    role: "user",
    content: [{ type: "text", text: "look" }, image("data:a"), image("data:b")],
  };
  const note = "[an image is left out here: the model can't see it]";

  it("are replaced by a note for a model that sees none, in a plain text", () => {
    expect(write([message], { images: false })[0]?.content).toBe(`look\n\n${note}\n\n${note}`);
  });

  it("go without a blank text beside them: Claude refuses the whole request for one", () => {
    const content = [{ type: "text" as const, text: " \n" }, image("data:a"), { type: "text" as const, text: "" }];
    expect(write([{ role: "user", content }])[0]?.content).toEqual([image("data:a")]);
    expect(write([{ role: "user", content }], { images: false })[0]?.content).toBe(note);
  });

  it("are left out one by one if the server refused them", () => {
    expect(write([message], {}, {}, [hashImage({ url: "data:a" })])[0]?.content).toEqual([
      { type: "text", text: "look" },
      { type: "text", text: note },
      image("data:b"),
    ]);
  });
});

describe("marks for a cache", () => {
  const marked = { cache_control: { type: "ephemeral" } };

  it("end the system prompt and the newest message before the reminder", () => {
    const messages: ModelMessage[] = [{ role: "system", content: "s" }, user("hi"), calls(), result()];
    const wire = write(messages, { cache_marks: "parts" }, { reminder: "r" });
    expect(wire[0]?.content).toEqual([{ type: "text", text: "s", ...marked }]);
    expect(wire.at(-1)?.content).toEqual([
      { type: "text", text: "done", ...marked },
      { type: "text", text: "r" },
    ]);
    expect(JSON.stringify(wire).match(/cache_control/g)).toHaveLength(2);
  });
});

describe("the same history", () => {
  const anyMessage = fc.constantFrom<ModelMessage[]>(
    [user("a")],
    [says("x", { reasoning: "r" })],
    [calls({ reasoning: "r", details: [{ a: 1 }] }), result()],
    [calls(), result("long")],
  );
  const anyProfile = fc.record({
    bridges_results: fc.boolean(),
    merges_messages: fc.boolean(),
    ids: fc.constantFrom("any", "nine", "kimi"),
    signatures: fc.constantFrom("no", "echo", "required"),
    images: fc.boolean(),
  }) as fc.Arbitrary<ProfileChange>;

  it("gives the same bytes at each step, but for the end of the last message", () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 12 }),
        anyProfile,
        fc.nat(11),
        (parts, change, cut) => {
          const before = write(parts.slice(0, cut + 1).flat(), change, { reminder: "r1" });
          const after = write(parts.flat(), change, { reminder: "r2" });
          // The last message has the reminder, and may grow by what is merged into it.
          const isReminder = before.at(-1)?.content === "r1";
          const stable = before.slice(0, isReminder ? -2 : -1);
          expect(JSON.stringify(after.slice(0, stable.length))).toBe(JSON.stringify(stable));
        },
      ),
    );
  });

  it("is never changed by writing it", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 12 }), anyProfile, (parts, change) => {
        const messages = structuredClone(parts.flat());
        const before = JSON.stringify(messages);
        write(messages, change, { reminder: "r" });
        expect(JSON.stringify(messages)).toBe(before);
      }),
    );
  });
});

it("merges thousands of messages of one role without writing all of them again for each", () => {
  const joined = vi.spyOn(Array.prototype, "join");
  const said = Array.from({ length: 2_000 }, (_, at) => user(`message ${at}`));
  expect(write(said, { merges_messages: true })).toEqual([
    { role: "user", content: said.map(({ content }) => content).join("\n\n") },
  ]);
  expect(joined.mock.calls.length).toBeLessThan(10);
  joined.mockRestore();
});
