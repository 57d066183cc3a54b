// The script as a model without native tools: its tools are described in the system prompt, it reads its own calls and
// their results from texts, and it writes its calls as XML. Deciding is unchanged: a request is first converted to the
// native form, and the reply is converted back at the end.

import { cutReminder } from "./reminder.ts";
import type { Reply, ReplyCall } from "./reply.ts";
import { type ChatRequest, isRecord, type Message, type ToolCall } from "./wire.ts";

/** The schema of each parameter, by the tool's name. */
type Described = Map<string, Record<string, unknown>>;

/** Converts a request to a native one where its system prompt describes tools; otherwise returns it unchanged. */
export function readDialect(request: ChatRequest): ChatRequest {
  const prompt = request.messages.find((message) => message.role === "system" && message.text.includes("<functions>"));
  if (request.tools.size > 0 || !prompt) return request;
  const described = readTools(prompt.text);
  const messages = request.messages.flatMap((message, index): Message[] => {
    if (message.role === "user") return splitMessage(message);
    if (message.role !== "assistant") return [message];
    const next = request.messages[index + 1]?.text ?? "";
    const results = next.startsWith("<function_results>") ? readResults(next) : [];
    return [readAssistant(message, described, results)];
  });
  return { ...request, messages, tools: new Set(described.keys()), writes_xml: true };
}

/** Splits what the server has put into one message: results or a summary, the person's words, and the reminder. */
function splitMessage(message: Message): Message[] {
  const said = (text: string): Message[] => (text.trim() === "" ? [] : [{ ...message, text: text.trim() }]);
  const [, results = "", summary = "", rest = ""] =
    /^(?:(<function_results>\n[\s\S]*?\n<\/function_results>)|(<conversation_summary>[\s\S]*?<\/conversation_summary>))?([\s\S]*)$/.exec(
      message.text,
    ) ?? [];
  return [...readResults(results), ...said(summary), ...cutReminder(rest).flatMap(said)];
}

function readTools(prompt: string): Described {
  const described: Described = new Map();
  for (const [, json = ""] of prompt.matchAll(/^<function>(.*)<\/function>$/gm)) {
    const tool: unknown = JSON.parse(json);
    if (!isRecord(tool) || typeof tool.name !== "string") continue;
    const properties = isRecord(tool.parameters) ? tool.parameters.properties : undefined;
    described.set(tool.name, isRecord(properties) ? properties : {});
  }
  return described;
}

/** In a result, `&lt;` replaces the `<` of a tag that would be taken for one of the dialect. */
const hidden =
  /&lt;(?=\s{0,8}\/?\s{0,8}(?:[\w.-]{1,32}:)?(?:function_|tool_calls?\b|results?\b|invoke\b|parameter\b|think))/gi;

function readResults(text: string): (Message & { name: string })[] {
  const found = text.matchAll(/<result call="([^"]*)" name="([^"]*)">\n([\s\S]*?)\n<\/result>/g);
  return [...found].map(([, id = "", name = "", content = ""]) => ({
    role: "tool",
    text: content.replace(hidden, "<"),
    calls: [],
    tool_call_id: id,
    name,
  }));
}

function readAssistant(message: Message, described: Described, results: (Message & { name: string })[]): Message {
  const at = message.text.indexOf("<function_calls>\n<invoke name=");
  if (at < 0) return message;
  const calls = readCalls(message.text.slice(at), described);
  const left = [...results];
  for (const [index, call] of calls.entries()) {
    const answer = left.findIndex((result) => result.name === call.name);
    call.id = answer < 0 ? `call_${index}` : (left.splice(answer, 1)[0]?.tool_call_id ?? "");
  }
  return { ...message, text: message.text.slice(0, at).trimEnd(), calls };
}

function readCalls(block: string, described: Described): ToolCall[] {
  const read: { name: string; input: Record<string, unknown> }[] = [];
  const pattern =
    /<invoke name="([^"]*)">|<parameter name="([^"]*)">(?:<!\[CDATA\[([\s\S]*?)\]\]><\/parameter>|([\s\S]*?)<\/parameter>)/g;
  for (const [, tool, parameter = "", verbatim, plain = ""] of block.matchAll(pattern)) {
    if (tool !== undefined) read.push({ name: tool, input: {} });
    const call = read.at(-1);
    if (tool !== undefined || !call) continue;
    const written = verbatim?.replaceAll("]]]]><![CDATA[>", "]]>") ?? plain;
    const value = written.startsWith("\n") ? written.slice(1, -1) : written;
    call.input[parameter] = readValue(value, described.get(call.name)?.[parameter]);
  }
  return read.map(({ name, input }) => ({ id: "", name, arguments: JSON.stringify(input) }));
}

function readValue(text: string, schema: unknown): unknown {
  if (isRecord(schema) && schema.type === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Converts a reply: its calls are written into its text. */
export function writeDialect(reply: Reply): Reply {
  const { calls, text = "", ...rest } = reply;
  if (!calls?.length) return reply;
  const block = `<function_calls>\n${calls.map(writeCall).join("\n")}\n</function_calls>`;
  if (typeof text !== "string") return { ...rest, text: join(text, block) };
  return { ...rest, text: text === "" ? block : `${text}\n\n${block}` };
}

function* join(text: Iterable<string>, block: string): Generator<string> {
  yield* text;
  yield block;
}

/** Invalid JSON arguments, as tests use them, are written without parameters. */
function writeCall({ name, arguments: written }: ReplyCall): string {
  const input = parseObject(written);
  if (!input) return `<invoke name="${name}">\n${written}\n</invoke>`;
  const parameters = Object.entries(input).map(
    ([key, value]) => `<parameter name="${key}">${writeValue(value)}</parameter>\n`,
  );
  return `<invoke name="${name}">\n${parameters.join("")}</invoke>`;
}

function writeValue(value: unknown): string {
  if (typeof value !== "string") return writeText(JSON.stringify(value));
  return writeText(value.startsWith("\n") ? `\n${value}\n` : value);
}

function writeText(text: string): string {
  return /[<&]/.test(text) ? `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>` : text;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
