import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { damaged, messageBody, messageType } from "../../../test/fakes/stored-values.ts";
import type { MessageType } from "../../protocol/message.ts";
import { readMetadata, toChatMessage, withContent } from "./message.ts";
import { parseStored } from "./stored.ts";

const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
const clock = { now: Date.now() };

// Starts a new minute, so that what the test before logged does not count.
beforeEach(() => {
  clock.now += 60_000;
  vi.useFakeTimers({ now: clock.now });
  warn.mockClear();
});
afterEach(() => void vi.useRealTimers());

function read(type: MessageType, text: string) {
  return withContent({ type, content: parseStored(text), seq: 7 }, 7);
}

describe("the content of a message", () => {
  it("is read as it was stored, whatever its type", () => {
    fc.assert(
      fc.property(messageBody, ({ type, content }) => {
        expect(read(type, JSON.stringify(content))).toEqual({ type, content, seq: 7 });
      }),
    );
    expect(warn).not.toHaveBeenCalled();
  });

  it("is returned without a copy", () => {
    const row = { type: "user" as const, content: { role: "user", content: "hi" } };
    expect(withContent(row, 1)).toBe(row);
  });

  it("of any JSON is what code may rely on for its type", () => {
    const content = damaged(messageBody.map((body) => body.content));
    fc.assert(
      fc.property(messageType, content, (type, value) => {
        const row = read(type, JSON.stringify(value) ?? "");
        expect(row).toMatchObject({ type, seq: 7 });
        // A content that is returned unchanged must be readable again.
        expect(withContent(row, 7)).toBe(row);
        if (row.type === "assistant") {
          for (const call of row.content.tool_calls ?? []) expect(call.function.arguments).toBeTypeOf("string");
        } else if (row.type === "tool")
          expect(row.content.tool_call_id.concat(row.content.content)).toBeTypeOf("string");
        else if (row.type === "task_list") for (const task of row.content.tasks) expect(task.id).toBeTypeOf("string");
        else if (row.type === "status") expect(row.content.error?.message ?? "").toBeTypeOf("string");
        else if (typeof row.content.content !== "string") {
          for (const part of row.content.content) {
            expect(part.type === "text" ? part.text : part.image_url.url).toBeTypeOf("string");
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["user", "{"],
    ["user", '{"role":"user","content":[{"type":"text"}]}'],
    ["assistant", '{"role":"assistant","content":null,"tool_calls":[{"id":"c1"}]}'],
    ["tool", '{"role":"tool","content":"secret words"}'],
    ["summary", "null"],
  ] as const)("of a %s that is %s is a sentence that says so", (type, text) => {
    expect(JSON.stringify(read(type, text).content)).toContain("damaged");
  });

  it("is an empty plan where that can't be read, and an end without a reason", () => {
    expect(read("task_list", '{"tasks":[]}').content).toEqual({ sections: [], tasks: [] });
    expect(read("status", "5").content).toEqual({ status: "failed", error: null, unfinished_tasks: 0 });
  });

  it("of a type that a later version added is passed on as it is", () => {
    const row = { type: "note" as MessageType, content: { any: "thing" } };
    expect(withContent(row, 1)).toBe(row);
  });

  it("is readable with what a later version added to it", () => {
    const task = { id: "t", content: "x", status: "blocked", section_id: "s", due: "2027-01-01" };
    const plan = { sections: [{ id: "s", title: "S", color: "red" }], tasks: [task], order: "free" };
    expect(read("task_list", JSON.stringify(plan)).content).toEqual(plan);
  });

  it("that can't be read is logged by its place, without a word of it", () => {
    read("tool", '{"role":"tool","content":"secret words"}');
    expect(warn.mock.calls).toEqual([['{"level":"warning","event":"row_unreadable","kind":"content of tool","id":7}']]);
  });

  it("that can't be read is logged a hundred times a minute at most, however many there are", () => {
    for (let row = 0; row < 500; row++) read("tool", "{");
    expect(warn).toHaveBeenCalledTimes(100);
    vi.advanceTimersByTime(60_000);
    read("tool", "{");
    expect(warn).toHaveBeenCalledTimes(101);
  });
});

describe("what a model reads", () => {
  it("is any message with a known role, and nothing else", () => {
    const roles = ["user", "assistant", "tool"];
    fc.assert(
      fc.property(damaged(messageBody.map(({ content }) => content)), (value) => {
        const message = toChatMessage(JSON.parse(JSON.stringify(value) ?? "null"));
        if (message !== undefined) expect(roles).toContain(message.role);
      }),
    );
  });
});

describe("metadata", () => {
  it.each([
    ['{"finish":"stop"}', { finish: "stop" }],
    ["null", {}],
    ["[1]", {}],
    ["{", {}],
    ["", {}],
  ])("of %s is %o", (text, metadata) => {
    expect(readMetadata(text, 1)).toEqual(metadata);
  });
});
