import { describe, expect, it } from "vitest";
import { markupTools } from "../../../test/fakes/read-markup.ts";
import { createMarkupParser, type MarkupOptions } from "./parser.ts";

describe("the parser", () => {
  it.each([
    "<",
    "`",
    "` <invoke name='x' ",
    "</parameter>",
    "\n",
    " ",
    "&",
    "&lt;",
    "<invoke ",
    "]]>",
    "~",
    "<a:",
    "`\n",
    "\r",
    "[",
    ",",
    "<tool_call>",
    '<tool_call>{"a',
    '<tool_call>["',
    "<tool_call>view_tasks ",
    "<function=create_file>",
    "<arg_key>",
    "<|tool_call_begin|>",
    "<|tool_call_begin|>function<｜tool▁sep｜>",
    "[TOOL_CALLS]",
    "<|channel|>",
    "<|start|>assistant",
    "{",
    '{"name": "x"}',
    "</think>",
    "<think>",
  ])("takes linear time: %j", (unit) => {
    for (const mode of ["xml", "native"] as const) {
      for (const prefix of prefixes) {
        const steps = [5_000, 10_000].map((size) => countSteps(mode, prefix, unit, size));
        // Twice the text takes about twice the steps.
        expect(steps[1]).toBeLessThan(2.5 * (steps[0] ?? 0) + 3_000);
      }
    }
  });
});

const open = '<invoke name="create_file"><parameter name="content">';
const prefixes = [
  "",
  `${open}\n`,
  `${open}<![CDATA[`,
  '<tool_call>{"name": "create_file", "arguments": "',
  "<tool_call>",
  "<tool_call>create_file<arg_key>content</arg_key><arg_value>",
  "<|tool_call_begin|>create_file",
];

/** Counts what the parser looks at: characters that it reads or searches, texts that it matches, and what it sends. */
function countSteps(mode: MarkupOptions["mode"], prefix: string, unit: string, size: number): number {
  let steps = 0;
  const sent = () => void steps++;
  const { charAt, charCodeAt, indexOf } = String.prototype;
  const { exec } = RegExp.prototype;
  const text = unit.repeat(Math.ceil(size / unit.length));
  const parser = createMarkupParser(
    { tools: markupTools, mode },
    { addText: sent, addReasoning: sent, openCall: sent, addArguments: sent },
  );
  try {
    String.prototype.charAt = function (at) {
      steps++;
      return charAt.call(this, at);
    };
    String.prototype.charCodeAt = function (at) {
      steps++;
      return charCodeAt.call(this, at);
    };
    String.prototype.indexOf = function (part, from = 0) {
      const found = indexOf.call(this, part, from);
      steps += 1 + (found < 0 ? this.length : found) - from;
      return found;
    };
    RegExp.prototype.exec = function (given) {
      steps++;
      const found = exec.call(this, given);
      if (found) steps += found[0].length;
      return found;
    };
    parser.push(prefix);
    for (let at = 0; at < text.length; at += 3) {
      const piece = text.slice(at, at + 3);
      if (!parser.passes(piece)) parser.push(piece);
    }
    parser.end("whole");
  } finally {
    Object.assign(String.prototype, { charAt, charCodeAt, indexOf });
    RegExp.prototype.exec = exec;
  }
  return steps;
}
