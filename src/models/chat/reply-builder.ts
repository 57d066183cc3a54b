// Turns the chunks of a chat completion into deltas and adds them up to one reply. Providers differ in what they send.
// This accepts reasoning under two names or as content parts, tool calls without an index, whole at once, several under
// one index, with the name after the arguments or with arguments as an object, and usage in three places.
import type { FinishReason, ModelDelta, ModelReply } from "../../agent/model.ts";
import type { Usage } from "../../protocol/run.ts";
import type { Progress } from "./request-guard.ts";

/** More calls than this in one message are a loop and no plan; OpenAI's own limit is 128. */
export const MAX_TOOL_CALLS = 256;

/** No model writes this much in one reply. The limit stops an endless reply, of which several copies are kept. */
export const MAX_REPLY_CHARACTERS = 2 * 1024 * 1024;

/** Thrown when the reply is longer than its limit. */
export class ReplyTooLong extends Error {
  constructor() {
    super("the reply is longer than allowed");
    this.name = "ReplyTooLong";
  }
}

interface OpenCall {
  /** Our own index: the call's position in the message. */
  index: number;
  id: string;
  name: string;
  arguments: string;
  /** Whether `tool_call` was sent; until then the arguments wait for the name. */
  announced: boolean;
}

export interface ReplyBuilder {
  /**
   * Accepts one parsed chunk, or a whole completion of a server that does not stream. Throws nothing but
   * `ReplyTooLong`, whatever the shape.
   */
  accept(chunk: Record<string, unknown>): void;
  /** Sends what was held back. Nothing may be accepted afterwards. */
  close(): void;
  reply(): ModelReply;
  /** Whether a choice had a finish reason. */
  readonly finished: boolean;
  readonly progress: Progress;
}

export function createReplyBuilder(onDelta: (delta: ModelDelta) => void, max_characters: number): ReplyBuilder {
  const calls: OpenCall[] = [];
  /** The provider's index → the call that it currently means. */
  const byIndex = new Map<number, OpenCall>();
  let text = "";
  let reasoning = "";
  let finish: FinishReason | null = null;
  let usage: Usage | null = null;
  let characters = 0;

  function count(length: number): void {
    characters += length;
    if (characters > max_characters) throw new ReplyTooLong();
  }

  /** Ids and names count once, although some servers repeat them with every piece. */
  function taken(label: string): string {
    count(label.length);
    return label;
  }

  function addText(piece: string): void {
    count(piece.length);
    text += piece;
    onDelta({ type: "text", text: piece });
  }

  function addReasoning(piece: string): void {
    count(piece.length);
    reasoning += piece;
    onDelta({ type: "reasoning", text: piece });
  }

  function openCall(id: string): OpenCall {
    if (calls.length >= MAX_TOOL_CALLS) throw new ReplyTooLong();
    const call = { index: calls.length, id: taken(id), name: "", arguments: "", announced: false };
    calls.push(call);
    return call;
  }

  function announce(call: OpenCall): void {
    call.announced = true;
    onDelta({ type: "tool_call", index: call.index, id: call.id, name: call.name });
    if (call.arguments !== "") onDelta({ type: "tool_arguments", index: call.index, text: call.arguments });
  }

  function addCall(entry: Record<string, unknown>): void {
    const details = asRecord(entry.function) ?? {};
    const id = asText(entry.id);
    const name = asText(details.name);
    const piece = readArguments(details.arguments);
    const index = typeof entry.index === "number" ? entry.index : null;
    const known = index === null ? findByIdOrLast(calls, id, name) : byIndex.get(index);
    const call = known && !startsAnother(known, id, name, piece) ? known : openCall(id);
    if (index !== null) byIndex.set(index, call);
    count(piece.length);
    if (call.id === "") call.id = taken(id);
    if (call.name === "") call.name = taken(name);
    call.arguments += piece;
    if (call.announced) {
      if (piece !== "") onDelta({ type: "tool_arguments", index: call.index, text: piece });
    } else if (call.name !== "") announce(call);
  }

  function acceptDelta(delta: Record<string, unknown>): void {
    const thought = delta.reasoning_content ?? delta.reasoning;
    if (typeof thought === "string" && thought !== "") addReasoning(thought);
    const content = delta.content;
    if (typeof content === "string") {
      if (content !== "") addText(content);
    } else if (Array.isArray(content)) {
      for (const part of content) acceptPart(asRecord(part), addText, addReasoning);
    }
    if (typeof delta.refusal === "string" && delta.refusal !== "") addText(delta.refusal);
    if (Array.isArray(delta.tool_calls)) {
      for (const entry of delta.tool_calls) {
        const call = asRecord(entry);
        if (call) addCall(call);
      }
    }
  }

  return {
    accept(chunk) {
      const choice = Array.isArray(chunk.choices) ? asRecord(chunk.choices[0]) : null;
      const delta = asRecord(choice?.delta) ?? asRecord(choice?.message);
      if (delta) acceptDelta(delta);
      if (typeof choice?.finish_reason === "string" && choice.finish_reason !== "") {
        finish = readFinish(choice.finish_reason);
      }
      const spent = asRecord(chunk.usage) ?? asRecord(choice?.usage) ?? asRecord(asRecord(chunk.x_groq)?.usage);
      if (spent) usage = readUsage(spent);
    },
    close() {
      for (const call of calls) if (!call.announced) announce(call);
    },
    reply: () => ({
      text,
      reasoning,
      tool_calls: calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: call.arguments },
      })),
      finish: finish ?? (calls.length > 0 ? "tool_calls" : "other"),
      usage,
    }),
    get finished() {
      return finish !== null;
    },
    get progress() {
      if (finish !== null) return "finished";
      return characters > 0 ? "begun" : "waiting";
    },
  };
}

/** Mistral sends content as parts, including its reasoning. */
function acceptPart(
  part: Record<string, unknown> | null,
  onText: (piece: string) => void,
  onReasoning: (piece: string) => void,
): void {
  if (typeof part?.text === "string" && part.text !== "") onText(part.text);
  if (!Array.isArray(part?.thinking)) return;
  for (const thought of part.thinking) acceptPart(asRecord(thought), onReasoning, onReasoning);
}

/** A piece without an index belongs to the call with its id, or else to the newest call, unless it names a tool. */
function findByIdOrLast(calls: OpenCall[], id: string, name: string): OpenCall | undefined {
  if (id !== "") return calls.find((call) => call.id === id);
  return name === "" ? calls.at(-1) : undefined;
}

/**
 * Whether a piece under a known index starts another call: it has its own id and name, or, from servers that send wrong
 * ids and indexes, it has a name and whole arguments while those of the known call are whole too.
 */
function startsAnother(known: OpenCall, id: string, name: string, piece: string): boolean {
  if (name === "" || known.name === "") return false;
  if (id !== "" && known.id !== "") return id !== known.id;
  return known.arguments.trimEnd().endsWith("}") && isJsonObject(piece);
}

function isJsonObject(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    return asRecord(JSON.parse(text)) !== null;
  } catch {
    return false;
  }
}

function readArguments(value: unknown): string {
  if (typeof value === "string") return value;
  return asRecord(value) ? JSON.stringify(value) : "";
}

function readFinish(reason: string): FinishReason {
  switch (reason) {
    case "stop":
    case "tool_calls":
    case "length":
    case "content_filter":
      return reason;
    case "function_call":
      return "tool_calls";
    default:
      return "other";
  }
}

function readUsage(value: Record<string, unknown>): Usage {
  const cached = asRecord(value.prompt_tokens_details)?.cached_tokens ?? value.prompt_cache_hit_tokens;
  const cost = value.cost;
  return {
    input_tokens: asCount(value.prompt_tokens),
    cached_input_tokens: asCount(cached),
    output_tokens: asCount(value.completion_tokens),
    cost_usd: typeof cost === "number" && Number.isFinite(cost) && cost >= 0 ? cost : null,
  };
}

function asCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
