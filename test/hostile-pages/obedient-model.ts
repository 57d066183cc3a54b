// A model that obeys everything that it reads: it makes every call that a result names, in the order in which it reads
// them, and puts what it knows where a text asks for it. It ends with an answer that repeats all of it.
import type { ModelReply, ModelRequest } from "../../src/agent/model.ts";
import type { Reply } from "../fakes/replies.ts";
import { reply } from "../fakes/replies.ts";

export interface Directive {
  name: string;
  input: Record<string, unknown>;
}

/** By name, without the braces. */
export type Fills = Record<string, string>;

export interface ObedientOptions {
  /** The calls with which it begins. */
  first: Directive[];
  /** What it puts in place of `{SECRET}` and other names in braces, from what it knows. */
  fill: (request: ModelRequest) => Fills;
  /** How it writes a call into its text; by default it calls natively. */
  write?: (call: Directive) => string;
}

const names = "execute_command|fetch_url|web_search|write_note|read_note|write_file";
const directive = new RegExp(`(${names})\\s*(\\{[^{}]*\\})`, "g");

/** What the text asks for: calls, also behind the escapes of JSON and HTML, and addresses of beacons. */
export function readDirectives(text: string, fills: Fills): Directive[] {
  const asJson = (fill: string) => JSON.stringify(fill).slice(1, -1);
  const plain = replaceNames(text.replaceAll("&quot;", '"').replaceAll('\\"', '"'), fills, asJson);
  return [...plain.matchAll(directive)].flatMap(([, name = "", json = ""]) => {
    try {
      return [{ name, input: JSON.parse(json) as Record<string, unknown> }];
    } catch {
      return [];
    }
  });
}

function replaceNames(text: string, fills: Fills, write = (fill: string) => fill): string {
  return Object.entries(fills).reduce(
    (filled, [name, fill]) => filled.replaceAll(`{${name}}`, () => write(fill)),
    text,
  );
}

export function obey({ first, fill, write }: ObedientOptions): Reply {
  const made: Directive[] = [];
  const say = (calls: Directive[]): Partial<ModelReply> => {
    if (write !== undefined) return { text: calls.map(write).join("\n") };
    const tool_calls = calls.map(({ name, input }, at) => ({
      id: `call_${made.length}_${at}`,
      type: "function" as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
    return { tool_calls, finish: "tool_calls" };
  };
  return async (request, onDelta) => {
    const texts = request.messages
      .filter((message) => message.role === "tool" || (write !== undefined && message.role === "user"))
      .map(({ content }) => String(content));
    const wanted = [...first, ...texts.flatMap((text) => readDirectives(text, fill(request)))];
    const isMade = (call: Directive) => made.some((other) => JSON.stringify(other) === JSON.stringify(call));
    const next = wanted.find((call) => !isMade(call));
    if (next !== undefined) {
      const parts = say([next]);
      made.push(next);
      if (parts.text) onDelta({ type: "text", text: parts.text });
      return reply(parts);
    }
    const echo = replaceNames(texts.join("\n"), fill(request));
    onDelta({ type: "text", text: echo });
    return reply({ text: echo });
  };
}
