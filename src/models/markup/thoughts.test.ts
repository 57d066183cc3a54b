import { describe, expect, it, vi } from "vitest";
import { native, parse, read as readMarkup } from "../../../test/fakes/read-markup.ts";
import { createMarkupParser, type MarkupOptions, type ReplyEnd } from "./parser.ts";

const call = '<tool_call>\n{"name": "view_tasks", "arguments": {}}\n</tool_call>';
const starts: MarkupOptions = { ...native, startsThinking: true };

describe("a thought", () => {
  it.each([
    ["<think>hm</think>Hi", "hm", "Hi"],
    ["\n<think>\nhm\n</think>\n\nHi", "\nhm\n", "\nHi"],
    ["<thinking>hm</thinking>Hi", "hm", "Hi"],
    ["<mm:think>hm</mm:think>Hi", "hm", "Hi"],
    ["<thought>hm</thought>Hi", "hm", "Hi"],
    ["<reasoning>h</reasoning><reasoning>m</reasoning>Hi", "hm", "Hi"],
    ["Hi.\n<think>hm</think>\nSo.", "hm", "Hi.\n\nSo."],
    ["<think>a</think>\n<think>b</think>Hi", "ab", "Hi"],
    ["<think>a < b, `</p>` and <tool_call>{</think>Hi", "a < b, `</p>` and <tool_call>{", "Hi"],
    ["<think>not ended", "not ended", ""],
  ])("is reasoning with native calls too: %j", (written, reasoning, text) => {
    expect(parse(written, "whole", native)).toEqual({ text, reasoning, calls: [] });
  });

  it("may follow a call and precede one", () => {
    const got = parse(`<think>a</think>${call}<think>b</think>${call}`, "whole", native);
    expect([got.text, got.reasoning, got.calls.length]).toEqual(["", "ab", 2]);
  });

  it.each([
    "An element <reasoning> ends with\n</reasoning>\nand is text.",
    "The tag <think> begins a thought and </think> ends it.",
    "Write `<think>` and `</think>`.",
    "```\n<think>\nhm\n</think>\n```\n",
    "Mind a <thinker> and <thought>.",
    "text <think>x</think> y",
    "Wrap thoughts in <think>…</think>.",
    "The answer uses <think>foo</think> tags.\nSo <think>bar</think>\n",
  ])("is not what an answer says about the tags: %j", (text) => {
    expect(parse(text, "whole", native)).toEqual({ text, reasoning: "", calls: [] });
  });
});

/** What was read, and whether `</think>` came without `<think>`. */
function readStart(text: string, options: MarkupOptions, how: ReplyEnd = "whole") {
  const got = parse(text, how, options);
  const parser = createMarkupParser(options, { addText() {}, addReasoning() {}, openCall() {}, addArguments() {} });
  for (const character of text) parser.push(character);
  parser.end(how);
  return { text: got.text, reasoning: got.reasoning, calls: got.calls.length, isStray: parser.hasStrayThinkEnd };
}

describe("a </think> that nothing opened", () => {
  it.each([
    ["I should greet.\n</think>\n\nHi", "I should greet.\n\n\nHi"],
    ["</think>\n\nHi", "\n\nHi"],
    ["I should greet.</think>\nHi", "I should greet.\nHi"],
    ["I should greet.</think>", "I should greet."],
    ["I should greet.</think>Hi", "I should greet.</think>Hi"],
  ])("is reported, while what was sent as text stays text: %j", (written, text) => {
    expect(readStart(written, native)).toEqual({ text, reasoning: "", calls: 0, isStray: true });
  });

  it.each(["<think>hm</think>Hi", "Use </think> to end it.", "Hi", "`</think>`", "Wrap it in <think>…</think>."])(
    "is not reported for %j",
    (written) => {
      expect(readStart(written, native).isStray).toBe(false);
    },
  );

  it("ends the thought in which a reply is known to begin", () => {
    const thought = readStart(`I should look. ${call}\n</think>\n\nHi ${call}`, starts);
    expect(thought).toEqual({ text: "Hi ", reasoning: `I should look. ${call}\n`, calls: 1, isStray: true });
  });
});

describe("a reply that is expected to begin within a thought", () => {
  it("may write the opening tag itself", () => {
    expect(readStart("<think>\nhm</think>Hi", starts)).toEqual({
      text: "Hi",
      reasoning: "\nhm",
      calls: 0,
      isStray: false,
    });
  });

  it("is an answer with calls after all if no thought ends", () => {
    const written = `Hi there. ${call}`;
    expect(readStart(written, starts)).toEqual({ text: "Hi there. ", reasoning: written, calls: 1, isStray: false });
  });

  it.each<ReplyEnd>(["cut", "left"])("stays a thought if it is %s within it", (how) => {
    expect(readStart(`I think ${call}`, starts, how)).toMatchObject({ text: "", calls: 0 });
  });
});

it("does not read a thought again at each tag in it", () => {
  const read = vi.spyOn(String.prototype, "trim");
  readMarkup(["a <think> and ".repeat(2_000)], "whole", starts);
  const lengths = read.mock.contexts.map((text) => String(text).length);
  read.mockRestore();
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(200_000);
});

it("looks no further for a name where openings of calls without one go on and on", () => {
  const signs = vi.spyOn(String.prototype, "charAt");
  expect(readMarkup(['<tool_call>[\\"'.repeat(500)], "whole", native).calls).toEqual([]);
  const looked = signs.mock.calls.length;
  signs.mockRestore();
  expect(looked).toBeLessThan(500_000);
});
