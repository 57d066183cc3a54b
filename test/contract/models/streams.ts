// The chunks that most providers share, with the places where they differ as options.
import type { PlannedReply, SentReply, StreamedReply, WireRequest } from "./wire.ts";

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
  /** Fields of the chunk that ends the reply. */
  last?: (usage: { input: number; output: number; cached?: number }) => Record<string, unknown>;
  usage?: (usage: { input: number; output: number; cached?: number }) => Record<string, unknown>;
  /** Whether the usage is in the choice of the last chunk and not in a chunk of its own. */
  usage_in_choice?: boolean;
  /** Whether the usage comes only where `stream_options` asks for it. */
  usage_on_request?: boolean;
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
  for (const [index, call] of calls.entries()) {
    const written = JSON.stringify(call.arguments);
    const place = options.without_index ? {} : { index };
    const head = { ...place, id: ids[index], type: "function", ...options.call?.(index, index === 0) };
    const first = options.whole_arguments ? written : "";
    chunks.push(chunk({ tool_calls: [{ ...head, function: { name: call.name, arguments: first } }] }));
    if (options.whole_arguments) continue;
    for (const piece of cut(written)) {
      chunks.push(chunk({ tool_calls: [{ index, ...options.later_call, function: { arguments: piece } }] }));
    }
  }
  const finish = planned.finish ?? (calls.length > 0 ? (options.calls_finish ?? "tool_calls") : "stop");
  const last = { ...chunk({}, finish), ...(planned.usage ? options.last?.(planned.usage) : {}) };
  const { include_usage = false } = (request.body.stream_options ?? {}) as { include_usage?: boolean };
  const is_counted = !options.usage_on_request || include_usage;
  const usage = is_counted && planned.usage && options.usage?.(planned.usage);
  if (usage && options.usage_in_choice) chunks.push({ ...last, choices: last.choices.map((c) => ({ ...c, usage })) });
  else chunks.push(last);
  if (usage && !options.usage_in_choice) chunks.push({ ...chunk({}), choices: [], usage });
  const sent: SentReply = { planned, ids, extras: options.extras ?? {} };
  return { chunks, sent };
}

export function cut(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) pieces.push(text.slice(at, at + PIECE_CHARACTERS));
  return pieces;
}
