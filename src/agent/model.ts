// Port: a model. Each call streams one assistant message.
import type { AssistantMessage, ChatMessage, ToolCall, UserMessage } from "../protocol/message.ts";
import type { ModelFailureReason, Usage } from "../protocol/run.ts";

/** A tool as the model sees it. `parameters` is a JSON Schema object. */
export interface ToolDescription {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

/**
 * What a provider sent along with a reply and wants back with it: its reasoning, signatures, encrypted parts. Only the
 * code in `models` reads `values`. `origin` names the server and the family of models that made them; nobody else gets
 * them, no reader either.
 */
export interface ReplyExtras {
  origin: string;
  values: Record<string, unknown>;
  /** Kept for a server that turns out to want them, and not sent so far. */
  unsent?: boolean;
}

/** Some models think for 60,000 tokens. What is longer is left out as a whole: a part of it would be refused. */
const MAX_EXTRAS_BYTES = 256 * 1024;

const encoder = new TextEncoder();

/** Whether the extras may be kept. The same answer holds in memory and in storage, so a restart changes no request. */
export function fitsExtras(extras: ReplyExtras): boolean {
  const text = JSON.stringify(extras);
  return text.length <= MAX_EXTRAS_BYTES && encoder.encode(text).byteLength <= MAX_EXTRAS_BYTES;
}

/**
 * A message of the history. `preamble` is what the server says in front of a person's message: it is a part of the
 * content once the message is sent.
 */
export type ModelMessage =
  | Exclude<ChatMessage, AssistantMessage | UserMessage>
  | (UserMessage & { preamble?: string })
  | (AssistantMessage & { extras?: ReplyExtras });

/** What a thread remembers, by server and model, of how they want to be asked. Small; it survives restarts. */
export interface ModelMemory {
  read(key: string): readonly string[];
  /** Stores the rule, as the newest, before it returns. */
  add(key: string, rule: string): void;
  remove(key: string, rule: string): void;
}

/** What an agent asks of its model beside what every request has. Absent fields leave it to the provider. */
export interface ModelOptions {
  reasoning_effort?: string;
  /** The longest reply, reasoning included. Always sent. */
  max_output_tokens?: number;
  /** Fields that go into the request as they are. They were checked when they came in. */
  extra_body?: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  model: string;
  messages: ModelMessage[];
  /** Comes last in the request and in no later one. Null if there is nothing to remind the model of. */
  reminder?: string | null;
  tools: ToolDescription[];
  /** Null or absent leaves it to the provider. */
  temperature?: number | null;
  /** The room for the reply. Sent only where a server would cut a reply early without it. */
  max_output_tokens?: number;
  options?: ModelOptions;
  /**
   * The reply may cost no more than its limit allows, so the limit goes also to a server that was seen to refuse it.
   */
  is_limit_needed?: boolean;
  /** Another model is asked if this one fails, so this one is given up sooner when it stays silent. */
  has_fallback?: boolean;
}

/** A piece of the message as it arrives. Parts may interleave; `index` identifies a tool call within the message. */
export type ModelDelta =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; index: number; id: string; name: string }
  | { type: "tool_arguments"; index: number; text: string };

export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter" | "other";

export interface ModelReply {
  text: string;
  reasoning: string;
  /** In the order of their `index`. `arguments` is what the model wrote, which may not be JSON. */
  tool_calls: ToolCall[];
  finish: FinishReason;
  /** Null where the provider sent none. */
  usage: Usage | null;
  /** What the model wrote, if text and calls were parsed out of it. */
  xml?: string;
  extras?: ReplyExtras;
}

export interface ModelFailure {
  code: "model_error" | "model_timeout";
  /** For people: what the provider said, shortened and without secrets. */
  message: string;
  /** Whether the same request may succeed later (429, 5xx, or a stream that broke off or went silent). */
  retryable: boolean;
  /** What the provider asked for, in ms. */
  retry_after_ms: number | null;
  /** Why, for programs. Absent from a model of another kind that can't say. */
  reason?: ModelFailureReason;
  /** Set when the provider's content filter refused the request: the cause is the request, not the model. */
  filtered?: boolean;
  /** The request is longer than the model's context. A shorter one may succeed. */
  too_long?: boolean;
  /** The server knows no tools for this model. The same request without tools may succeed. */
  lacks_tools?: boolean;
  /** No server did any work, so the call costs nothing. Absent where that is not plain. */
  is_free?: boolean;
}

export type ModelOutcome =
  | { kind: "reply"; reply: ModelReply }
  | { kind: "failure"; failure: ModelFailure }
  /** `signal` ended the call; `reply` is what had arrived by then. Its usage is null unless the reply had ended. */
  | { kind: "aborted"; reply: ModelReply };

/**
 * Contract: never throws and never rejects; a failure is an outcome. `onDelta` is called synchronously and in order,
 * from within `stream`, and never after `stream` has resolved. If it throws, the request ends. The deltas add up to the
 * reply. A model never retries by itself, with one exception: a refusal that says how the server wants to be asked may
 * be followed at once, three times at most. The implementation bounds the wait for the first byte and between two
 * bytes, and the size of the reply. When `signal` aborts, it closes the request to the provider at once.
 */
export interface Model {
  stream(request: ModelRequest, onDelta: (delta: ModelDelta) => void, signal: AbortSignal): Promise<ModelOutcome>;
}
