// The form of the laboratory of wires: what a provider's strict server is made of. One file in `providers/` describes
// one provider: how it streams a reply, and what it refuses, each rule with the place where it was read. A server never
// repairs a request. It accepts what the provider accepts, and answers all else as the provider does. The file of the
// same name in `breaks/` has a request that breaks each of its rules.

/** A message of a request, as it came. Providers have fields of their own beside OpenAI's. */
export interface WireMessage {
  role: string;
  content?: unknown;
  tool_calls?: WireCall[];
  tool_call_id?: string;
  [field: string]: unknown;
}

export interface WireCall {
  id: string;
  type: string;
  function: { name: string; arguments: string };
  [field: string]: unknown;
}

/** An item of a request to the Responses API, as it came. */
export interface WireItem {
  type?: string;
  role?: string;
  id?: string;
  call_id?: string;
  content?: unknown;
  encrypted_content?: unknown;
  phase?: unknown;
  [field: string]: unknown;
}

/**
 * A request. `messages` and `tools` are those of `body`, typed; in the Responses API, `items` are, and `messages` what
 * they would be in chat completions.
 */
export interface WireRequest {
  url: URL;
  headers: Headers;
  body: Record<string, unknown>;
  items: WireItem[];
  messages: WireMessage[];
  tools: { name: string }[];
}

/** What a reply took, before its provider writes that down in its own way. */
export interface PlannedUsage {
  input: number;
  output: number;
  /** Of the input: read from a cache, and put into one. */
  cached?: number;
  written?: number;
  /** Of the output. */
  reasoned?: number;
}

/** What the model wants to say. The provider's `stream` turns it into that provider's chunks. */
export interface PlannedReply {
  reasoning?: string;
  text?: string;
  calls?: { name: string; arguments: Record<string, unknown> }[];
  /** OpenAI's word for how the reply ends; `stop` or `tool_calls` if absent. */
  finish?: string;
  usage?: PlannedUsage;
  /** Ends the connection without an ending after so many chunks. */
  cut_after?: number;
}

/** A reply that this server has sent: what it must get back. */
export interface SentReply {
  planned: PlannedReply;
  /** The ids of its calls, in order. */
  ids: string[];
  /** What the provider sent along, for its own rules: signatures, reasoning details. */
  extras: Record<string, unknown>;
}

/** One reply on the wire: values are JSON chunks, texts are whole lines (a comment, `[DONE]` is added by the server). */
export interface StreamedReply {
  chunks: (Record<string, unknown> | string)[];
  sent: SentReply;
}

/** How the server answers a request that breaks a rule. */
export interface Refusal {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface Rule {
  /** A claim: "refuses a call without the reasoning that led to it". */
  name: string;
  /** Where it was read: an address of documentation or of a thread of users. */
  source: string;
  /** Whether it is about the server's own address or names of models, which a proxy in front of it replaces. */
  is_of_place?: true;
  /** Null if the request keeps the rule. `sent`: the replies of this server so far, oldest first. */
  check(request: WireRequest, sent: readonly SentReply[]): Refusal | null;
}

/** A refusal or a reply of a provider that its client must understand. */
export interface Ending {
  /** A claim: "the account is empty". */
  name: string;
  /** Where it was read. */
  source: string;
  refusal?: Refusal;
  /** A whole reply of status 200, as in `StreamedReply`. */
  chunks?: (Record<string, unknown> | string)[];
  /**
   * `overloaded`: the server is full or not ready, whoever asks. `broken`: the reply ends without an end, or with a word
   * that says so. `failed_in_reply`: with status 200, an error object says that the server failed.
   */
  means:
    | "too_long"
    | "no_credit"
    | "rate_limited"
    | "overloaded"
    | "filtered"
    | "broken"
    | "failed_in_reply"
    | "invalid_key"
    | "unknown_model"
    | "tool_use_failed";
  /** How long the server asks to wait; absent if it does not say. Null: it asks for a wait that helps nobody. */
  wait_ms?: number | null;
}

/** What a server has at `/v1/responses`. */
export interface ResponsesSide {
  rules: Rule[];
  wishes?: Rule[];
  endings?: Ending[];
  stream(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply;
}

export interface Provider {
  /** Its Responses API, beside chat completions; absent if it has none. */
  responses?: ResponsesSide;
  /** The model has no tools in chat completions. */
  only_responses?: true;
  /** What the operator has to set: nothing else says that this server has a Responses API. */
  api?: "responses";
  /** The name of the profile that it tests. */
  profile: string;
  /** The address that users set as OPENAI_BASE_URL. */
  base_url: string;
  /** A name that users set as OPENAI_MODEL. */
  model: string;
  /**
   * What becomes of an image. `ignored`: its model does not see it, and the server does not say so. `refused`: nothing
   * but a refusal shows that its model sees none. `left_out`: its model's name shows that, so the image is not sent.
   */
  images: "seen" | "ignored" | "refused" | "left_out";
  rules: Rule[];
  /** What the provider asks for and does not refuse: without it the model works worse. */
  wishes?: Rule[];
  endings?: Ending[];
  /** `turn` counts the replies of this server from 0. */
  stream(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply;
}

/** The reply of this server that a message of a request repeats, by its text and calls; null for another's. */
export function findSent(message: WireMessage, sent: readonly SentReply[]): SentReply | null {
  return sent.findLast((reply) => isSame(message, reply)) ?? null;
}

function isSame(message: WireMessage, { planned }: SentReply): boolean {
  const calls = message.tool_calls ?? [];
  const plannedCalls = planned.calls ?? [];
  if (message.role !== "assistant" || calls.length !== plannedCalls.length) return false;
  const isSameCall = (call: WireCall, at: number) =>
    call.function.name === plannedCalls[at]?.name &&
    call.function.arguments === JSON.stringify(plannedCalls[at]?.arguments);
  if (calls.length > 0) return calls.every(isSameCall);
  return textOf(message)
    .trim()
    .endsWith((planned.text ?? "").trim());
}

/** The text of a message whose content is a text, parts or nothing. */
export function textOf({ content }: WireMessage): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part?.text === "string" ? part.text : "")).join("");
}
