// The chunks that most providers share, with the places where they differ as options. Without options a reply has
// OpenAI's form.
import type { PlannedReply, PlannedUsage, SentReply, StreamedReply, WireRequest } from "./wire.ts";

type Usage = PlannedUsage;

export interface StreamOptions {
  /** The delta of a piece of reasoning; absent if this provider sends none. */
  reasoning?: (text: string) => Record<string, unknown>;
  /** Deltas that follow the last piece of reasoning. */
  after_reasoning?: () => Record<string, unknown>[];
  /** The delta of a piece of text, where it is not only `content`. */
  text?: (text: string) => Record<string, unknown>;
  /** The id of the call at `at`. */
  id: (at: number, name: string) => string;
  /** Fields beside `function` in the first piece of a call. */
  call?: (at: number, isFirst: boolean) => Record<string, unknown>;
  /** Calls without `index`. */
  without_index?: boolean;
  /** Fields beside `function` in the later pieces of a call. */
  later_call?: Record<string, unknown>;
  /** Arguments in one piece and not in several. */
  whole_arguments?: boolean;
  /** How a reply with calls ends, if not with `tool_calls`. */
  calls_finish?: string;
  /** The object that counts tokens, where it is not OpenAI's. */
  usage?: (usage: Usage) => Record<string, unknown>;
  /** Where that object is, if not in a chunk of its own. `nowhere`: the provider's file adds it. */
  usage_in?: "choice" | "last_chunk" | "nowhere";
  /** Whether tokens are counted only where `stream_options` asks for it. */
  usage_on_request?: boolean;
  /** Fields of the chunk that ends the reply. */
  last?: (usage: Usage) => Record<string, unknown>;
  /** What the provider's own rules need to know of this reply. */
  extras?: Record<string, unknown>;
  /** Fields of every chunk. */
  chunk?: Record<string, unknown>;
}

/** How many characters a piece of text or arguments has. */
const PIECE_CHARACTERS = 7;

export function streamReply(
  planned: PlannedReply,
  turn: number,
  request: WireRequest,
  options: StreamOptions,
): StreamedReply {
  const { reasoning = "", text = "", calls = [] } = planned;
  const ids = calls.map(({ name }, at) => options.id(at, name));
  const chunk = (delta: Record<string, unknown>, finish_reason: string | null = null) => ({
    id: `chatcmpl-${turn}`,
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: String(request.body.model),
    choices: [{ index: 0, delta, finish_reason }],
    ...options.chunk,
  });
  const chunks: StreamedReply["chunks"] = [chunk({ role: "assistant", content: "" })];
  if (options.reasoning) for (const piece of cut(reasoning)) chunks.push(chunk(options.reasoning(piece)));
  if (reasoning !== "") for (const delta of options.after_reasoning?.() ?? []) chunks.push(chunk(delta));
  for (const piece of cut(text)) chunks.push(chunk(options.text?.(piece) ?? { content: piece }));
  for (const at of calls.keys()) {
    for (const call of streamCall(calls, ids, at, options)) chunks.push(chunk({ tool_calls: [call] }));
  }
  const finish = planned.finish ?? (calls.length > 0 ? (options.calls_finish ?? "tool_calls") : "stop");
  const ending = endReply(planned.usage, chunk({}, finish), request, options);
  const sent: SentReply = { planned, ids, extras: options.extras ?? {} };
  return { chunks: [...chunks, ...ending], sent };
}

/** The pieces of the call at `index`. */
function streamCall(
  calls: NonNullable<PlannedReply["calls"]>,
  ids: string[],
  index: number,
  { without_index = false, whole_arguments = false, later_call, call: fieldsOf }: StreamOptions,
): Record<string, unknown>[] {
  const { name, arguments: given } = calls[index] as (typeof calls)[number];
  const written = JSON.stringify(given);
  const place = without_index ? {} : { index };
  const head = { ...place, id: ids[index], type: "function", ...fieldsOf?.(index, index === 0) };
  if (whole_arguments) return [{ ...head, function: { name, arguments: written } }];
  const later = cut(written).map((piece) => ({ ...place, ...later_call, function: { arguments: piece } }));
  return [{ ...head, function: { name, arguments: "" } }, ...later];
}

/** The chunk that ends a reply, and the usage wherever this provider puts it. */
function endReply(
  usage: Usage | undefined,
  last: { choices: Record<string, unknown>[] },
  { body }: WireRequest,
  { usage: count = countTokens, usage_in, usage_on_request = false, ...options }: StreamOptions,
): Record<string, unknown>[] {
  if (!usage) return [last];
  const chunk = { ...last, ...options.last?.(usage) };
  const { include_usage = false } = (body.stream_options ?? {}) as { include_usage?: boolean };
  if (usage_in === "nowhere" || (usage_on_request && !include_usage)) return [chunk];
  const counted = count(usage);
  if (usage_in === "last_chunk") return [{ ...chunk, usage: counted }];
  if (usage_in === "choice") return [{ ...chunk, choices: chunk.choices.map((one) => ({ ...one, usage: counted })) }];
  return [chunk, { ...last, choices: [], usage: counted }];
}

/** OpenAI's object that counts tokens. */
export function countTokens(usage: Usage) {
  return {
    ...sumTokens(usage),
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoned ?? 0 },
  };
}

/** The same for providers that don't say what came from a cache. */
export function sumTokens({ input, output }: Usage) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

export function cut(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) pieces.push(text.slice(at, at + PIECE_CHARACTERS));
  return pieces;
}
