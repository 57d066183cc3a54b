// Port: a model. One call streams one assistant message.
import type { ChatMessage, ToolCall } from "../protocol/message.ts";
import type { Usage } from "../protocol/run.ts";

/** A tool as a model is told of it; `parameters` is a JSON Schema object. */
export interface ToolDescription {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export interface ModelRequest {
  model: string;
  messages: ChatMessage[];
  tools: ToolDescription[];
  /** Null or absent is the provider's own. */
  temperature?: number | null;
}

/** A piece of the message as it arrives. Parts may interleave; `index` tells tool calls of one message apart. */
export type ModelDelta =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; index: number; id: string; name: string }
  | { type: "tool_arguments"; index: number; text: string };

export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter" | "other";

export interface ModelReply {
  text: string;
  reasoning: string;
  /** In the order of their `index`; `arguments` as the model wrote them, perhaps not JSON. */
  tool_calls: ToolCall[];
  finish: FinishReason;
  /** Null where the provider sent none. */
  usage: Usage | null;
  /** What the model wrote, where text and calls were read out of it. */
  xml?: string;
}

export interface ModelFailure {
  code: "model_error" | "model_timeout";
  /** For people: what the provider said, cut and without a secret. */
  message: string;
  /** Whether the same request may succeed later (429, 5xx, a cut or silent stream). */
  retryable: boolean;
  /** What the provider asked for in `Retry-After`, in ms. */
  retry_after_ms: number | null;
  /** Set where the provider's content filter refused the request: what was asked is at fault, not the model. */
  filtered?: boolean;
  /** The request is longer than the model reads: a shorter one may succeed. */
  too_long?: boolean;
}

export type ModelOutcome =
  | { kind: "reply"; reply: ModelReply }
  | { kind: "failure"; failure: ModelFailure }
  /** `signal` ended it; `reply` is what had arrived until then. */
  | { kind: "aborted"; reply: ModelReply };

/**
 * Contract: never throws and never rejects; a failure is an outcome. `onDelta` is called synchronously, in order, from
 * within `stream` and never after it has resolved; what it receives adds up to the reply. One call is one request: a
 * model never retries by itself. The implementation bounds the wait for the first and between two bytes, and the size
 * of the reply. When `signal` aborts, the request upstream is closed at once.
 */
export interface Model {
  stream(request: ModelRequest, onDelta: (delta: ModelDelta) => void, signal: AbortSignal): Promise<ModelOutcome>;
}
