// A strict server of one provider as a `fetch`: checks each request against the provider's rules, and answers with the
// provider's refusal or with the scripted model's reply in the provider's chunks. It also keeps what it was sent, so
// that a test can look for what must not be there.
import { readItems } from "./responses-items.ts";
import { openAiRules } from "./rules.ts";
import type {
  Ending,
  PlannedReply,
  Provider,
  Refusal,
  ResponsesSide,
  Rule,
  SentReply,
  StreamedReply,
  WireItem,
  WireMessage,
  WireRequest,
} from "./wire.ts";

/** Decides what the model says, from the request alone. */
export type Script = (request: WireRequest, turn: number) => PlannedReply;

export interface StrictServer {
  fetch: typeof fetch;
  /** Accepted requests, oldest first. */
  accepted: WireRequest[];
  /** The rules that were broken, in order. */
  refused: { rule: string; request: WireRequest }[];
  /** The wishes that accepted requests did not keep, in order. */
  missed: { rule: string; request: WireRequest }[];
  /** Every body and header that arrived, as text. */
  received: string[];
}

export function openStrictServer(provider: Provider, script: Script): StrictServer {
  const accepted: WireRequest[] = [];
  const refused: StrictServer["refused"] = [];
  const missed: StrictServer["missed"] = [];
  const received: string[] = [];
  const sent: SentReply[] = [];

  function answer(request: WireRequest): Response {
    const isResponses = asksResponses(request);
    const side = isResponses ? provider.responses : provider;
    if (side === undefined) {
      refused.push({ rule: "has no Responses API", request });
      return refuse({ status: 404, body: { detail: "Not Found" } });
    }
    // A provider that has rules of order of its own refuses in its own words.
    for (const rule of [...side.rules, ...openAiRules]) {
      const refusal = rule.check(request, sent);
      if (refusal === null) continue;
      refused.push({ rule: rule.name, request });
      return refuse(refusal);
    }
    for (const wish of side.wishes ?? []) {
      if (wish.check(request, sent) !== null) missed.push({ rule: wish.name, request });
    }
    const planned = script(request, accepted.length);
    accepted.push(request);
    const streamed = side.stream(planned, accepted.length - 1, request);
    if (planned.cut_after === undefined) sent.push(streamed.sent);
    return send(streamed.chunks, !isResponses, planned.cut_after);
  }

  return {
    accepted,
    refused,
    missed,
    received,
    fetch: async (input, init) => {
      const asked = new Request(input, init);
      const text = await asked.text();
      received.push(`${JSON.stringify([...asked.headers])}\n${text}`);
      return answer(readRequest(asked, text));
    },
  };
}

/** The same provider behind a proxy that has its own address and its own name for the model. */
export function behindProxy(provider: Provider): Provider {
  const translate = (request: WireRequest) => ({ ...request, body: { ...request.body, model: provider.model } });
  const check = (rule: Rule): Rule => ({ ...rule, check: (request, sent) => rule.check(translate(request), sent) });
  const translateSide = ({ rules, wishes = [], stream }: ResponsesSide) => ({
    rules: rules.filter(({ is_of_place }) => !is_of_place).map(check),
    wishes: wishes.map(check),
    stream: (planned: PlannedReply, turn: number, request: WireRequest) => stream(planned, turn, translate(request)),
  });
  const { responses } = provider;
  return {
    ...provider,
    ...translateSide(provider),
    ...(responses ? { responses: translateSide(responses) } : {}),
  };
}

/** How the provider answers in that case. */
export function answerWith({ refusal, chunks = [] }: Ending, hasDoneLine = true): Response {
  return refusal ? refuse(refusal) : send(chunks, hasDoneLine);
}

function asksResponses({ url }: Pick<WireRequest, "url">): boolean {
  return url.pathname.endsWith("/responses");
}

function readRequest(asked: Request, text: string): WireRequest {
  const body = JSON.parse(text) as Record<string, unknown>;
  const url = new URL(asked.url);
  const items = (asksResponses({ url }) && Array.isArray(body.input) ? body.input : []) as WireItem[];
  const tools = (body.tools ?? []) as { name?: string; function?: { name: string } }[];
  return {
    url,
    headers: asked.headers,
    body,
    items,
    messages: asksResponses({ url }) ? readItems(items) : (body.messages as WireMessage[]),
    tools: tools.map(({ name, function: called }) => ({ name: called?.name ?? name ?? "" })),
  };
}

function refuse({ status, body, headers = {} }: Refusal): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(text, { status, headers: { "content-type": "application/json", ...headers } });
}

function send(chunks: StreamedReply["chunks"], hasDoneLine: boolean, cut_after?: number): Response {
  const lines = chunks.map((chunk) =>
    typeof chunk === "string" ? `${chunk}\n\n` : `data: ${JSON.stringify(chunk)}\n\n`,
  );
  const whole =
    cut_after === undefined ? [...lines, ...(hasDoneLine ? ["data: [DONE]\n\n"] : [])] : lines.slice(0, cut_after);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const line = whole.shift();
      if (line !== undefined) controller.enqueue(encoder.encode(line));
      else if (cut_after === undefined) controller.close();
      else controller.error(new Error("the connection was reset"));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
