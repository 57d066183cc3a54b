import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LoopDelta } from "../events.ts";
import type { ModelDelta, ModelReply } from "../model.ts";
import { createMessageParts } from "./message-parts.ts";

const nothing: ModelReply = { text: "", reasoning: "", tool_calls: [], finish: "stop", usage: null };

function arrange(deltas: ModelDelta[], reply = nothing, used = new Set<string>()) {
  const sent: LoopDelta[] = [];
  const parts = createMessageParts("msg_1", used, (delta) => sent.push(delta));
  for (const delta of deltas) parts.accept(delta);
  parts.finish(reply);
  return { parts, sent };
}

const text = (value: string): ModelDelta => ({ type: "text", text: value });
const thought = (value: string): ModelDelta => ({ type: "reasoning", text: value });
const call = (index: number, id = `c${index}`, name = "f"): ModelDelta => ({ type: "tool_call", index, id, name });
const written = (index: number, value: string): ModelDelta => ({ type: "tool_arguments", index, text: value });
const outline = (sent: LoopDelta[]) =>
  sent.map((delta) => {
    if (delta.type === "part_started") return `+${delta.part.part_id}`;
    if (delta.type === "part_delta") return `${delta.part_id}:${delta.text}`;
    return delta.type === "part_ended" ? `-${delta.part_id}` : delta.type;
  });

describe("createMessageParts", () => {
  it("ends a reasoning when a text begins, a text when a call begins, and calls with the message", () => {
    const { sent } = arrange([
      thought("hm"),
      text("Hi"),
      call(0),
      call(1),
      written(0, "{"),
      written(1, "{}"),
      written(0, "}"),
    ]);
    expect(outline(sent)).toEqual([
      "+msg_1_reasoning",
      "msg_1_reasoning:hm",
      "-msg_1_reasoning",
      "+msg_1",
      "msg_1:Hi",
      "-msg_1",
      "+c0",
      "+c1",
      "c0:{",
      "c1:{}",
      "c0:}",
      "-c0",
      "-c1",
    ]);
  });

  it("keeps one text across reasoning in between, and gives text after a call a part of its own", () => {
    const { sent, parts } = arrange([text("a"), thought("x"), text("b"), thought("y"), call(0), text("c")]);
    const started = outline(sent).filter((line) => line.startsWith("+"));
    expect(started).toEqual(["+msg_1", "+msg_1_reasoning", "+msg_1_reasoning_2", "+c0", "+msg_1_2"]);
    expect(parts).toMatchObject({ text: "abc", reasoning: "xy" });
  });

  it("opens no part for white space alone, and keeps it before a text", () => {
    expect(outline(arrange([text("\n\n"), call(0), text("\n")]).sent)).toEqual(["+c0", "-c0"]);
    expect(arrange([text("\n"), text("a")]).parts.text).toBe("\na");
  });

  it("replaces ids that are missing, malformed or used before, and remembers the new ones", () => {
    const used = new Set(["call_0"]);
    const { parts } = arrange(
      [call(0, "call_0"), call(1, ""), call(2, "a b"), call(3, "x".repeat(65)), call(4, "fine")],
      nothing,
      used,
    );
    const ids = parts.tool_calls.map((made) => made.id);
    expect(ids).toEqual(["msg_1_call_0", "msg_1_call_1", "msg_1_call_2", "msg_1_call_3", "fine"]);
    expect([...used].sort()).toEqual(["call_0", ...ids].sort());
  });

  it("turns any text into a valid name", () => {
    const { parts } = arrange([call(0, "a", "functions.create_tasks"), call(1, "b", "rm -rf /"), call(2, "c", "")]);
    expect(parts.tool_calls.map((made) => made.function.name)).toEqual(["create_tasks", "rm_-rf__", "unnamed"]);
  });

  it("sends what the reply contains and no delta has brought", () => {
    const reply: ModelReply = {
      ...nothing,
      text: "Hi",
      reasoning: "hm",
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
    };
    const { parts, sent } = arrange([], reply);
    expect(parts).toMatchObject({ text: "Hi", reasoning: "hm", tool_calls: reply.tool_calls });
    expect(outline(sent)).toContain("c:{}");
    expect(arrange([text("Hi"), thought("hm"), call(0, "c"), written(0, "{}")], reply).parts.text).toBe("Hi");
  });

  it("never splits a surrogate pair, however the text is cut, and adds up to the well-formed text", () => {
    const unit = fc.constantFrom("a", "\ud83d", "\ude00", "😀", "汉");
    fc.assert(
      fc.property(fc.array(fc.string({ unit, maxLength: 4 })), (pieces) => {
        const { parts, sent } = arrange([
          text("x"),
          ...pieces.map(text),
          call(0),
          ...pieces.map((piece) => written(0, piece)),
        ]);
        const whole = pieces.join("").toWellFormed();
        expect(parts.text).toBe(`x${whole}`);
        expect(parts.tool_calls[0]?.function.arguments).toBe(whole);
        const sum = sent
          .map((delta) => (delta.type === "part_delta" && delta.part_id === "c0" ? delta.text : ""))
          .join("");
        expect(sum).toBe(whole);
        for (const delta of sent) if (delta.type === "part_delta") expect(delta.text.isWellFormed()).toBe(true);
      }),
    );
  });
});
