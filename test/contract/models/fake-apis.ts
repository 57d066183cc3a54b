// A server with both operations, or one that refuses, as a `fetch`: for tests of which one is asked, and with what.
import type { ModelDelta, ModelRequest } from "../../../src/agent/model.ts";
import { models, type OpenAiOptions } from "../../../src/models/index.ts";
import { streamEvents } from "./responses-streams.ts";
import type { PlannedReply, WireRequest } from "./wire.ts";

export interface Asked {
  path: string;
  headers: Headers;
  body: Record<string, unknown>;
}

export const openai = "https://api.openai.com/v1";
export const house = "https://house.example/v1";
export const request: ModelRequest = {
  model: "gpt-6.1-sol",
  messages: [{ role: "user", content: "hi" }],
  tools: [{ name: "f", description: "d", parameters: { type: "object" } }],
  max_output_tokens: 16_000,
};
export const refuse = (message: string, status = 400, more = {}) =>
  Response.json({ error: { message, ...more } }, { status });
export const sse = (lines: unknown[]) =>
  new Response(lines.map((line) => `data: ${JSON.stringify(line)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
export const sayChat = () => sse([{ choices: [{ delta: { content: "Hello." }, finish_reason: "stop" }] }]);
export const sayResponses = (planned: PlannedReply = { text: "Hello." }) =>
  sse(streamEvents(planned, 0, { body: {} } as WireRequest, { encrypt: (id) => `gAAA.${id}` }).chunks);
export const say = ({ path }: Asked) => (path.endsWith("/responses") ? sayResponses() : sayChat());

export function open(answer: (asked: Asked, count: number) => Response, options: Partial<OpenAiOptions> = {}) {
  const asked: Asked[] = [];
  const model = models.native({
    api_key: "key-0123456789",
    base_url: house,
    fetch: async (input, init) => {
      const sent = new Request(input as string, init as RequestInit);
      const body = (await sent.json()) as Asked["body"];
      asked.push({ path: new URL(sent.url).pathname, headers: sent.headers, body });
      return answer(asked.at(-1) as Asked, asked.length);
    },
    ...options,
  });
  const deltas: ModelDelta[] = [];
  const ask = (more: Partial<ModelRequest> = {}) =>
    model.stream({ ...request, ...more }, (delta) => deltas.push(delta), new AbortController().signal);
  const paths = () => asked.map(({ path }) => path);
  return { ask, asked, paths, deltas };
}

export const chat = "/v1/chat/completions";
export const responses = "/v1/responses";
export const useResponses =
  "Function tools with reasoning_effort are not supported for gpt-6.1-sol in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.";
export const noRoute = () => Response.json({ detail: "Not Found" }, { status: 404 });
