// Parses a reply in the XML dialect, in one piece and in many.
import { expect } from "vitest";
import type { ToolDescription } from "../../src/agent/model.ts";
import { createXmlParser, type ReplyEnd } from "../../src/models/xml/parser.ts";

const string = { type: "string" };
const describeTool = (name: string, properties: Record<string, unknown>): ToolDescription => ({
  name,
  description: "",
  parameters: { type: "object", properties },
});
export const xmlTools = [
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
for (const { parameters } of xmlTools) parameters.$defs = { n: { type: "number" } };

export interface Read {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
}

export function read(pieces: Iterable<string>, how: ReplyEnd = "whole"): Read {
  const got: Read = { text: "", reasoning: "", calls: [] };
  const parser = createXmlParser(xmlTools, {
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

/** As one piece and as single characters, which must give the same. */
export function parse(text: string, how: ReplyEnd = "whole"): Read {
  const whole = read([text], how);
  expect(read(text.split(""), how)).toEqual(whole);
  return whole;
}
