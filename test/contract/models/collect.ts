// A minimal client of the strict servers, for their own tests: it asks once and joins the chunks of the reply. It knows
// every provider's form of a stream and nothing of what has to be sent back.
import type { StrictServer } from "./server.ts";
import type { Provider, WireCall, WireMessage } from "./wire.ts";

export interface Draft {
  headers: Record<string, string>;
  body: { model: string; messages: WireMessage[]; [field: string]: unknown };
}

export interface Collected {
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
  reply: Collected;
}

interface Delta {
  content?: unknown;
  reasoning?: string;
  reasoning_content?: string;
  reasoning_details?: Record<string, unknown>[];
  thinking_blocks?: Record<string, unknown>[];
  tool_calls?: (Partial<WireCall> & { index?: number })[];
}

interface Chunk {
  choices?: { delta: Delta; finish_reason: string | null }[];
  usage?: Record<string, unknown>;
  x_groq?: { usage?: Record<string, unknown> };
}

export async function ask(server: StrictServer, provider: Provider, { headers, body }: Draft): Promise<Answer> {
  const response = await server.fetch(`${provider.base_url}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test-key", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text, reply: collect(response.ok ? text : "") };
}

function collect(stream: string): Collected {
  const reply: Collected = {
    text: "",
    reasoning: "",
    calls: [],
    finish: null,
    usage: null,
    reasoning_details: [],
    thinking_blocks: [],
  };
  for (const line of stream.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const chunk = JSON.parse(line.slice("data: ".length)) as Chunk;
    reply.usage = chunk.usage ?? chunk.x_groq?.usage ?? reply.usage;
    for (const { delta, finish_reason } of chunk.choices ?? []) {
      reply.finish = finish_reason ?? reply.finish;
      add(reply, delta);
    }
  }
  return reply;
}

function add(reply: Collected, delta: Delta): void {
  reply.reasoning += delta.reasoning ?? delta.reasoning_content ?? "";
  for (const part of delta.reasoning_details ?? []) join(reply.reasoning_details, part);
  for (const part of delta.thinking_blocks ?? []) join(reply.thinking_blocks, part);
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
function join(blocks: Record<string, unknown>[], part: Record<string, unknown>): void {
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
