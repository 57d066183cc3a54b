// The least client of a strict server, for the servers' own tests: it joins the chunks of a reply, whatever their form,
// and has a conversation. It knows nothing of providers; `breaks/` says for each how to talk to it, and how a request
// breaks each of its rules.
import { openStrictServer, type StrictServer } from "./server.ts";
import type { PlannedReply, Provider, WireCall, WireMessage } from "./wire.ts";

/** A request before it is sent. */
export interface Draft {
  url: string;
  headers: Record<string, string>;
  body: { model: string; messages: WireMessage[]; [field: string]: unknown };
}

/** Changes a well-formed request so that it breaks one rule. */
export type Break = (request: Draft) => void;

/** How a client keeps to a provider's rules, and how it would break each. */
export interface Client {
  provider: Provider;
  headers?: Record<string, string>;
  /** Fields beside model, messages and tools. */
  fields?: Record<string, unknown>;
  /** Fields of a message that repeats a reply, where they are not only its text and calls. */
  returns?: (reply: Reply) => Record<string, unknown>;
  /** By the name of the rule. */
  breaks: Record<string, Break>;
  /** By the name of the wish. */
  misses?: Record<string, Break>;
}

/** A reply, put together. */
export interface Reply {
  text: string;
  reasoning: string;
  calls: WireCall[];
  finish: string | null;
  usage: Record<string, unknown> | null;
  /** Pieces of one type and place, joined. */
  reasoning_details: Record<string, unknown>[];
  thinking_blocks: Record<string, unknown>[];
}

export interface Answer {
  status: number;
  body: string;
  chunks: Chunk[];
  reply: Reply;
}

interface Chunk {
  choices?: { delta?: Delta; finish_reason: string | null; usage?: Record<string, unknown> }[];
  usage?: Record<string, unknown>;
  x_groq?: { usage?: Record<string, unknown> };
  [field: string]: unknown;
}

interface Delta {
  content?: unknown;
  reasoning?: string | null;
  reasoning_content?: string | null;
  reasoning_details?: Record<string, unknown>[];
  thinking_blocks?: Record<string, unknown>[];
  tool_calls?: (Partial<WireCall> & { index?: number })[];
}

/** A step with two calls, a text and thoughts: the conversation below stops behind its results. */
export const step = {
  reasoning: "Both files, then the sum.",
  text: "I read both files.",
  calls: [
    { name: "read_file", arguments: { path: "a.txt" } },
    { name: "read_file", arguments: { path: "b.txt" } },
  ],
  usage: { input: 120, output: 40, cached: 64 },
} satisfies PlannedReply;

/** A turn with a call without a text, and its answer; the step; its answer, and another one. */
const replies: PlannedReply[] = [
  { reasoning: "The file has to be read.", calls: [{ name: "read_file", arguments: { path: "notes.md" } }] },
  { reasoning: "It has one line.", text: "It has one line.", usage: { input: 40, output: 9, cached: 30 } },
  step,
  { reasoning: "One and two.", text: "The sum is 3.", usage: { input: 200, output: 12 } },
  { text: "You are welcome.", usage: { input: 240, output: 8 } },
];

export function openServer(provider: Provider): StrictServer {
  return openStrictServer(provider, (_request, turn) => replies[turn] ?? { text: "Yes." });
}

/** The messages that a conversation begins with. */
export const opening: WireMessage[] = [
  { role: "system", content: "You read files and add numbers." },
  { role: "user", content: "How long are the notes?" },
];

const parameters = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
const tool = { type: "function", function: { name: "read_file", description: "Reads a file.", parameters } };

export function draft({ provider, headers, fields }: Client, messages: WireMessage[]): Draft {
  const url = new URL(provider.base_url);
  url.pathname += "/chat/completions";
  return {
    url: url.href,
    headers: { authorization: "Bearer sk-test-key", ...headers },
    body: { model: provider.model, stream: true, tools: [tool], ...fields, messages: structuredClone(messages) },
  };
}

export async function ask(server: StrictServer, { url, headers, body }: Draft): Promise<Answer> {
  const response = await server.fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  const chunks = response.ok ? readChunks(text) : [];
  return { status: response.status, body: text, chunks, reply: joinChunks(chunks) };
}

/** The message that goes back for a reply. */
export function repeat({ returns }: Client, reply: Reply): WireMessage {
  const calls = reply.calls.length > 0 ? { tool_calls: reply.calls } : {};
  return { role: "assistant", content: reply.text, ...calls, ...returns?.(reply) };
}

/** One turn, and the step of a second one: answers with the request that brings the results of its calls. */
export async function converse(client: Client, server: StrictServer): Promise<Draft> {
  const messages = [...opening];
  const takeStep = async () => {
    const { reply } = await ask(server, draft(client, messages));
    messages.push(repeat(client, reply));
    for (const [at, { id }] of reply.calls.entries()) {
      messages.push({ role: "tool", tool_call_id: id, content: String(at + 1) });
    }
  };
  await takeStep();
  await takeStep();
  messages.push({ role: "user", content: "Add a.txt and b.txt." });
  await takeStep();
  return draft(client, messages);
}

export function readChunks(body: string): Chunk[] {
  const lines = body.split("\n").filter((line) => line.startsWith("data: {"));
  return lines.map((line) => JSON.parse(line.slice("data: ".length)));
}

function joinChunks(chunks: Chunk[]): Reply {
  const reply: Reply = {
    text: "",
    reasoning: "",
    calls: [],
    finish: null,
    usage: null,
    reasoning_details: [],
    thinking_blocks: [],
  };
  for (const chunk of chunks) {
    reply.usage = chunk.usage ?? chunk.x_groq?.usage ?? reply.usage;
    for (const { delta, finish_reason, usage } of chunk.choices ?? []) {
      reply.finish = finish_reason ?? reply.finish;
      reply.usage = usage ?? reply.usage;
      if (delta) addDelta(reply, delta);
    }
  }
  return reply;
}

function addDelta(reply: Reply, delta: Delta): void {
  reply.reasoning += delta.reasoning ?? delta.reasoning_content ?? "";
  for (const part of delta.reasoning_details ?? []) joinPart(reply.reasoning_details, part);
  for (const part of delta.thinking_blocks ?? []) joinPart(reply.thinking_blocks, part);
  if (typeof delta.content === "string") reply.text += delta.content;
  if (Array.isArray(delta.content)) {
    for (const { text, thinking } of delta.content as { text?: string; thinking?: { text: string }[] }[]) {
      reply.text += text ?? "";
      reply.reasoning += (thinking ?? []).map((part) => part.text).join("");
    }
  }
  for (const { index, ...piece } of delta.tool_calls ?? []) addCall(reply.calls, index ?? reply.calls.length, piece);
}

/** Texts of one block are joined, all else is taken over. */
function joinPart(blocks: Record<string, unknown>[], part: Record<string, unknown>): void {
  const block = blocks.find(({ type, index }) => type === part.type && index === part.index);
  if (block === undefined) {
    blocks.push({ ...part });
    return;
  }
  for (const [field, value] of Object.entries(part)) {
    const isPiece = ["text", "data", "thinking"].includes(field);
    block[field] = isPiece ? `${block[field] ?? ""}${value}` : value;
  }
}

function addCall(calls: WireCall[], index: number, piece: Partial<WireCall>): void {
  const call = calls[index];
  if (call === undefined) calls[index] = piece as WireCall;
  else call.function.arguments += piece.function?.arguments ?? "";
}
