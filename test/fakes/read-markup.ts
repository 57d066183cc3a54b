// Parses a reply with calls and thoughts in its text, in one piece and in many.
import { expect } from "vitest";
import type { ToolDescription } from "../../src/agent/model.ts";
import { createMarkupParser, type MarkupOptions, type ReplyEnd } from "../../src/models/markup/parser.ts";
import { stride } from "../setup/run-count.ts";

const string = { type: "string" };
const describeTool = (name: string, properties: Record<string, unknown>): ToolDescription => ({
  name,
  description: "",
  parameters: { type: "object", properties },
});
export const markupTools = [
  describeTool("create_tasks", { sections: { type: "array", items: { type: "object" } } }),
  describeTool("create_file", { path: string, content: string }),
  describeTool("execute_command", {
    command: string,
    timeout_seconds: { type: "integer" },
    background: { type: "boolean" },
    environment: { type: "object" },
    either: { anyOf: [{ type: "string" }, { type: "array" }, { type: "number" }] },
    maybe: { type: ["string", "null"] },
    referenced: { $ref: "#/$defs/n" },
    untyped: {},
  }),
  describeTool("view_tasks", {}),
];
for (const { parameters } of markupTools) parameters.$defs = { n: { type: "number" } };

export interface Read {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
}

const xml: MarkupOptions = { tools: markupTools, mode: "xml" };
export const native: MarkupOptions = { tools: markupTools, mode: "native" };

export function read(pieces: Iterable<string>, how: ReplyEnd = "whole", options = xml): Read {
  const got: Read = { text: "", reasoning: "", calls: [] };
  const parser = createMarkupParser(options, {
    addText: (piece) => {
      got.text += piece;
    },
    addReasoning: (piece) => {
      got.reasoning += piece;
    },
    openCall: (name) => void got.calls.push({ name, arguments: "" }),
    addArguments: (piece) => {
      const call = got.calls.at(-1);
      if (call) call.arguments += piece;
    },
  });
  for (const piece of pieces) parser.push(piece);
  parser.end(how);
  return got;
}

/** As one piece, as single characters and in two pieces of any lengths, which must give the same. */
export function parse(text: string, how: ReplyEnd = "whole", options = xml): Read {
  const whole = read([text], how, options);
  const wanted = JSON.stringify(whole);
  const compare = (pieces: string[]): void => {
    const got = read(pieces, how, options);
    // All of it is text, and thousands of `toEqual` take longer than what they compare.
    if (JSON.stringify(got) !== wanted) expect(got).toEqual(whole);
  };
  compare(text.split(""));
  for (let at = 1; at < text.length; at += stride) compare([text.slice(0, at), text.slice(at)]);
  return whole;
}
