// Reads the special tokens that chat templates put around calls. A server that knows them removes them; one that doesn't
// leaves them in the text:
//
// - Kimi: `<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{…}<|tool_call_end|>…`
// - DeepSeek V3 and R1: `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f`, then JSON in a fence; V3.1 has
//   the name before the separator and bare JSON after it.
// - Mistral: `[TOOL_CALLS]` before a list, or before `f{…}` or `f[CALL_ID]id[ARGS]{…}`.
// - Llama and Granite: `<|python_tag|>` and `<|tool_call|>` before JSON.
// - gpt-oss: `<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>`, and `analysis` for thoughts.
// - Gemma 4: `<|tool_call>call:f{x:<|"|>…<|"|>}<tool_call|>`, and `<|channel>thought` for thoughts.
import type { Cursor } from "./tags.ts";

export type TokenName =
  /** Surrounds calls and says nothing more. */
  | "section"
  /** A name and JSON follow; the name is missing if the JSON has it. */
  | "call"
  | "call_end"
  /** Between the name and the JSON. */
  | "separator"
  /** The head of a gpt-oss message to a tool, with its name. */
  | "message_to_tool"
  | "thought"
  /** The head of any other gpt-oss message. */
  | "message"
  | "message_end";

export interface Token {
  name: TokenName;
  /** Of `message_to_tool`. */
  tool: string;
  /** The position after the last character. */
  end: number;
}

const token =
  /<(?:[|｜](tool[_▁][a-z_▁]{1,30}|python_tag|channel|start|end|call|return)[|｜]>|\|(tool_call)>|\|(channel)>thought|(tool_call|channel)\|>)/y;
const begunToken = /<(?:[|｜](?:[a-z_▁]{0,36}[|｜]?)?|\|channel>[a-z]{0,6}|[a-z_]{0,9}\|?)?$/y;
const list = "[TOOL_CALLS]";

const tokenNames: Record<string, TokenName> = {
  tool_calls_section_begin: "section",
  tool_calls_begin: "section",
  tool_calls_section_end: "section",
  tool_calls_end: "section",
  tool_call_begin: "call",
  tool_call: "call",
  python_tag: "call",
  tool_call_end: "call_end",
  tool_call_argument_begin: "separator",
  tool_sep: "separator",
  channel_end: "message_end",
  call: "message_end",
  end: "message_end",
  return: "message_end",
};

export function readToken({ rest, at, isEnd }: Cursor): Token | "none" | "partial" {
  if (rest.charCodeAt(at) === 0x5b) return readWord({ rest, at, isEnd }, list, "call");
  token.lastIndex = at;
  const found = token.exec(rest);
  if (!found) {
    begunToken.lastIndex = at;
    return !isEnd && begunToken.test(rest) ? "partial" : "none";
  }
  const [whole, written = "", begin, channel, end] = found;
  if (written === "channel" || written === "start") return readMessageHead({ rest, at, isEnd });
  const name = begin ? "call" : channel ? "thought" : tokenNames[end ? `${end}_end` : written.replaceAll("▁", "_")];
  return name ? { name, tool: "", end: at + whole.length } : "none";
}

/** Mistral's words between the name and the JSON. */
export function readSeparator(cursor: Cursor): Token | "none" | "partial" {
  const found = readWord(cursor, "[ARGS]", "separator");
  return found === "none" ? readWord(cursor, "[CALL_ID]", "separator") : found;
}

function readWord({ rest, at, isEnd }: Cursor, word: string, name: TokenName): Token | "none" | "partial" {
  if (rest.startsWith(word, at)) return { name, tool: "", end: at + word.length };
  return !isEnd && rest.length - at < word.length && word.startsWith(rest.slice(at)) ? "partial" : "none";
}

/** Heads contain a role, a channel, a tool's name and a type. */
const MAX_HEAD_CHARACTERS = 300;
const MESSAGE = "<|message|>";
const head =
  /^(?:<\|start\|>assistant([^<]*))?<\|channel\|>\s*(analysis|commentary|final)([^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>/;

function readMessageHead({ rest, at, isEnd }: Cursor): Token | "none" | "partial" {
  const window = rest.slice(at, at + MAX_HEAD_CHARACTERS);
  const end = window.indexOf(MESSAGE);
  if (end < 0) return !isEnd && window.length < MAX_HEAD_CHARACTERS ? "partial" : "none";
  const found = head.exec(window.slice(0, end + MESSAGE.length));
  if (!found) return "none";
  const [, tool = ""] = /to=([\w.:-]+)/.exec(`${found[1] ?? ""} ${found[3]}`) ?? [];
  const name = tool !== "" ? "message_to_tool" : found[2] === "analysis" ? "thought" : "message";
  return { name, tool, end: at + end + MESSAGE.length };
}

/** Whether the token begins something that is executed. */
export function isCall({ name }: Token): boolean {
  return name === "call" || name === "message_to_tool";
}
