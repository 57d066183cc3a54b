// The Responses API beside chat completions: its items read as messages, so that scripts and rules of order work for
// both, and its stream of events.
import { cut } from "./streams.ts";
import type { PlannedReply, StreamedReply, WireMessage, WireRequest } from "./wire.ts";

/** An item of `input`. */
export interface Item {
  type?: string;
  id?: string;
  role?: string;
  content?: unknown;
  call_id?: string;
  name?: string;
  arguments?: string;
  output?: unknown;
  encrypted_content?: string | null;
  summary?: unknown[];
  [field: string]: unknown;
}

export function readItems({ input, instructions }: Record<string, unknown>): WireMessage[] {
  const messages: WireMessage[] = typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  if (typeof input === "string") return [...messages, { role: "user", content: input }];
  for (const item of (input ?? []) as Item[]) {
    const last = messages.at(-1);
    if (item.type === "function_call") {
      const call = {
        id: String(item.call_id),
        type: "function",
        function: { name: String(item.name), arguments: String(item.arguments) },
      };
      if (last?.role === "assistant") last.tool_calls = [...(last.tool_calls ?? []), call];
      else messages.push({ role: "assistant", content: null, tool_calls: [call] });
    } else if (item.type === "function_call_output") {
      messages.push({ role: "tool", tool_call_id: item.call_id, content: item.output });
    } else if (item.type === undefined || item.type === "message") {
      messages.push({ role: String(item.role), content: item.content });
    }
  }
  return messages;
}

type Event = Record<string, unknown> & { type: string };
type Call = NonNullable<PlannedReply["calls"]>[number];

/** An event has its type twice: in a line of its own, and in its data. */
export function writeEvents(events: Event[]): string[] {
  return events.map(
    (event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}`,
  );
}

/** A finished item, how it starts, and the events between. */
interface WrittenItem {
  item: Item;
  start: Item;
  events: Event[];
}

function encrypt(reasoning: string, turn: number): string {
  return `gAAAAABo${turn}${btoa(reasoning).replaceAll("=", "")}`;
}

function writeReasoning(reasoning: string, turn: number, { body }: WireRequest): WrittenItem {
  const { include = [], reasoning: asked } = body as { include?: string[]; reasoning?: { summary?: string } };
  const start: Item = { id: `rs_${turn}d5`, type: "reasoning", summary: [] };
  const item = { ...start };
  if (include.includes("reasoning.encrypted_content")) item.encrypted_content = encrypt(reasoning, turn);
  if (asked?.summary === undefined) return { item, start, events: [] };
  item.summary = [{ type: "summary_text", text: reasoning }];
  const place = { summary_index: 0 };
  const deltas = cut(reasoning).map((delta) => ({ type: "response.reasoning_summary_text.delta", ...place, delta }));
  const part = { type: "summary_text", text: "" };
  const events = [
    { type: "response.reasoning_summary_part.added", ...place, part },
    ...deltas,
    { type: "response.reasoning_summary_text.done", ...place, text: reasoning },
    { type: "response.reasoning_summary_part.done", ...place, part: { ...part, text: reasoning } },
  ];
  return { item, start, events };
}

function writeText(text: string, turn: number): WrittenItem {
  const message: Item = { id: `msg_${turn}d5`, type: "message", role: "assistant" };
  const part = { type: "output_text", annotations: [], logprobs: [], text };
  const place = { content_index: 0 };
  const events = [
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    ...cut(text).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
    { type: "response.output_text.done", ...place, text, logprobs: [] },
    { type: "response.content_part.done", ...place, part },
  ];
  return { item: { ...message, content: [part], status: "completed" }, start: { ...message, content: [] }, events };
}

function writeCall(call_id: string, turn: number, { name, arguments: values }: Call): WrittenItem {
  const written = JSON.stringify(values);
  const call: Item = { id: `fc_${turn}${call_id}`, type: "function_call", call_id, name };
  const events = [
    ...cut(written).map((delta) => ({ type: "response.function_call_arguments.delta", delta })),
    { type: "response.function_call_arguments.done", name, arguments: written },
  ];
  return { item: { ...call, arguments: written, status: "completed" }, start: { ...call, arguments: "" }, events };
}

function countTokens({ input, output, cached = 0 }: { input: number; output: number; cached?: number }) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

export function streamEvents(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply {
  const { reasoning = "", text = "", calls = [], usage = { input: 10, output: 5 }, finish } = planned;
  const ids = calls.map((_call, at) => `call_${turn}x${at}Zq8Wb4Kt1mNc7RvYp2sLd`);
  const written = [
    ...(reasoning === "" ? [] : [writeReasoning(reasoning, turn, request)]),
    ...(text === "" ? [] : [writeText(text, turn)]),
    ...calls.map((call, at) => writeCall(ids[at] ?? "", turn, call)),
  ];
  const response = { id: `resp_${turn}a7f3`, object: "response", created_at: 1_700_000_000, model: request.body.model };
  const start = { ...response, status: "in_progress", output: [], usage: null };
  const status = finish === "length" ? "incomplete" : "completed";
  const end = {
    ...response,
    status,
    incomplete_details: finish === "length" ? { reason: "max_output_tokens" } : null,
    output: written.map(({ item }) => item),
    usage: countTokens(usage),
  };
  const ofItem = ({ item, start: first, events }: WrittenItem, output_index: number): Event[] => [
    { type: "response.output_item.added", output_index, item: { ...first, status: "in_progress" } },
    ...events.map((event) => ({ ...event, item_id: item.id, output_index })),
    { type: "response.output_item.done", output_index, item },
  ];
  const all: Event[] = [
    { type: "response.created", response: start },
    { type: "response.in_progress", response: start },
    ...written.flatMap(ofItem),
    { type: `response.${status}`, response: end },
  ];
  const extras = reasoning === "" ? {} : { encrypted_content: encrypt(reasoning, turn) };
  return { chunks: writeEvents(all), sent: { planned, ids, extras } };
}
