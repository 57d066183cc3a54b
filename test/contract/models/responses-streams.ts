// The events of a reply of the Responses API, in the SDK's own types, so that they are what a real client would read.
import type {
  Response,
  ResponseFunctionToolCall,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from "openai/resources/responses/responses";
import { cut } from "./streams.ts";
import type { PlannedReply, StreamedReply, WireRequest } from "./wire.ts";

export interface EventOptions {
  /** The encrypted content of an item; absent if the server has none. */
  encrypt?: (id: string, reasoning: string) => string;
  /** Thoughts come as they are, and not as a summary. */
  raw?: boolean;
  /** Whether messages say which part of the work they belong to. */
  phases?: boolean;
}

/** An event before it has its number. */
type Unnumbered<T> = T extends unknown ? Omit<T, "sequence_number"> : never;
type Draft = Unnumbered<ResponseStreamEvent>;

export function streamEvents(
  planned: PlannedReply,
  turn: number,
  request: WireRequest,
  options: EventOptions,
): StreamedReply {
  const { reasoning = "", text = "", calls = [] } = planned;
  const output: ResponseOutputItem[] = [];
  const events: Draft[] = [];
  const ids = calls.map((_call, at) => `call_${turn}x${at}Zq8Wb4Kt1mNc7RvYp2sLd`);
  const begun = { ...emptyResponse(turn, String(request.body.model)), status: "in_progress" as const };
  events.push({ type: "response.created", response: begun }, { type: "response.in_progress", response: begun });
  const reasoned = reasoning === "" ? null : makeReasoning(`rs_${turn}`, reasoning, options);
  if (reasoned) events.push(...streamReasoning(reasoned, output, options));
  const phase = calls.length > 0 ? "commentary" : "final_answer";
  if (text !== "") events.push(...streamMessage(`msg_${turn}`, text, output, options.phases ? phase : null));
  for (const [at, call] of calls.entries()) {
    const item: ResponseFunctionToolCall = {
      type: "function_call",
      id: `fc_${turn}_${at}`,
      call_id: ids[at] as string,
      name: call.name,
      arguments: JSON.stringify(call.arguments),
      status: "completed",
    };
    events.push(...streamCall(item, output));
  }
  events.push(endOf(planned, { ...begun, output }));
  const chunks = events.map((event, sequence_number) => ({ ...event, sequence_number }) as ResponseStreamEvent);
  return {
    chunks: chunks as unknown as Record<string, unknown>[],
    sent: {
      planned,
      ids,
      extras: { reasoning: reasoned, phase: options.phases && text !== "" ? phase : undefined },
    },
  };
}

function emptyResponse(turn: number, model: string): Response {
  return {
    id: `resp_${turn}`,
    object: "response",
    access_programs: null,
    created_at: 1_700_000_000,
    model,
    output: [],
    output_text: "",
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: null,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
  };
}

function makeReasoning(id: string, text: string, { encrypt, raw }: EventOptions): ResponseReasoningItem {
  return {
    id,
    type: "reasoning",
    summary: raw ? [] : [{ type: "summary_text", text }],
    ...(raw ? { content: [{ type: "reasoning_text" as const, text }] } : {}),
    ...(encrypt ? { encrypted_content: encrypt(id, text) } : {}),
  };
}

function streamReasoning(item: ResponseReasoningItem, output: ResponseOutputItem[], { raw }: EventOptions): Draft[] {
  const place = { item_id: item.id, output_index: output.length };
  const text = (item.content ?? item.summary)[0]?.text ?? "";
  const { encrypted_content: _, content: __, ...empty } = item;
  output.push(item);
  const part = { type: "summary_text" as const, text };
  const pieces: Draft[] = raw
    ? cut(text).map((delta): Draft => ({ type: "response.reasoning_text.delta", ...place, content_index: 0, delta }))
    : cut(text).map(
        (delta): Draft => ({ type: "response.reasoning_summary_text.delta", ...place, summary_index: 0, delta }),
      );
  const around: [Draft[], Draft[]] = raw
    ? [[], [{ type: "response.reasoning_text.done", ...place, content_index: 0, text }]]
    : [
        [{ type: "response.reasoning_summary_part.added", ...place, summary_index: 0, part: { ...part, text: "" } }],
        [
          { type: "response.reasoning_summary_text.done", ...place, summary_index: 0, text },
          { type: "response.reasoning_summary_part.done", ...place, summary_index: 0, part },
        ],
      ];
  return [
    { type: "response.output_item.added", output_index: place.output_index, item: { ...empty, summary: [] } },
    ...around[0],
    ...pieces,
    ...around[1],
    { type: "response.output_item.done", output_index: place.output_index, item },
  ];
}

function streamMessage(
  id: string,
  text: string,
  output: ResponseOutputItem[],
  phase: "commentary" | "final_answer" | null,
): Draft[] {
  const place = { item_id: id, output_index: output.length };
  const part = { type: "output_text" as const, text, annotations: [] };
  const item: ResponseOutputMessage = {
    id,
    type: "message",
    role: "assistant",
    status: "completed",
    content: [part],
    ...(phase === null ? {} : { phase }),
  };
  output.push(item);
  const begun: ResponseOutputMessage = { ...item, status: "in_progress", content: [] };
  return [
    { type: "response.output_item.added", output_index: place.output_index, item: begun },
    { type: "response.content_part.added", ...place, content_index: 0, part: { ...part, text: "" } },
    ...cut(text).map(
      (delta): Draft => ({ type: "response.output_text.delta", ...place, content_index: 0, delta, logprobs: [] }),
    ),
    { type: "response.output_text.done", ...place, content_index: 0, text, logprobs: [] },
    { type: "response.content_part.done", ...place, content_index: 0, part },
    { type: "response.output_item.done", output_index: place.output_index, item },
  ];
}

function streamCall(item: ResponseFunctionToolCall, output: ResponseOutputItem[]): Draft[] {
  const output_index = output.length;
  const place = { item_id: item.id ?? "", output_index };
  const { name, arguments: written } = item;
  output.push(item);
  return [
    { type: "response.output_item.added", output_index, item: { ...item, arguments: "", status: "in_progress" } },
    ...cut(written).map((delta): Draft => ({ type: "response.function_call_arguments.delta", ...place, delta })),
    { type: "response.function_call_arguments.done", ...place, arguments: written, name } as Draft,
    { type: "response.output_item.done", output_index, item },
  ];
}

function endOf({ finish, usage }: PlannedReply, begun: Response): Draft {
  const reasons = { length: "max_output_tokens", content_filter: "content_filter" } as const;
  const reason = finish === "length" || finish === "content_filter" ? reasons[finish] : null;
  const counted = usage && {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached ?? 0, cache_write_tokens: usage.written ?? 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoned ?? 0 },
    total_tokens: usage.input + usage.output,
  };
  const response: Response = { ...begun, ...(counted ? { usage: counted } : {}) };
  return reason === null
    ? { type: "response.completed", response: { ...response, status: "completed" } }
    : { type: "response.incomplete", response: { ...response, status: "incomplete", incomplete_details: { reason } } };
}
