// A model's server of one test, on the loopback, and a model that asks it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelDelta, ModelOutcome, ModelReply, ModelRequest } from "../../src/agent/model.ts";
import type { OpenAiLimits } from "../../src/models/exchange/exchange.ts";
import { models } from "../../src/models/index.ts";

export const api_key = "test-key-0123456789";
export const request: ModelRequest = {
  model: "m",
  messages: [{ role: "user", content: "hi" }],
  tools: [{ name: "f", description: "d", parameters: { type: "object", properties: {} } }],
};

type Answer = (response: ServerResponse, incoming: IncomingMessage, body: string) => void;
const closers: (() => void)[] = [];

/** Call it after each test. */
export function closeServers(): void {
  for (const close of closers.splice(0)) close();
}

/** Resolves with the address of a server that answers so. `body` has come whole. */
export async function serve(answer: Answer): Promise<string> {
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (piece) => {
      body += piece;
    });
    incoming.on("end", () => answer(response, incoming, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

export async function call(
  answer: Answer,
  options: { limits?: Partial<OpenAiLimits>; signal?: AbortSignal; request?: ModelRequest } = {},
) {
  const base_url = await serve(answer);
  const deltas: ModelDelta[] = [];
  const model = models.native({ api_key, base_url, limits: options.limits });
  const outcome = await model.stream(
    options.request ?? request,
    (delta) => deltas.push(delta),
    options.signal ?? new AbortController().signal,
  );
  return { outcome, deltas };
}

export const frame = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
export const text = (content: string, finish_reason: string | null = null) =>
  frame({ choices: [{ index: 0, delta: { content }, finish_reason }] });
export const stream = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });

export function replyOf(outcome: ModelOutcome): ModelReply {
  if (outcome.kind !== "reply") throw new Error(JSON.stringify(outcome));
  return outcome.reply;
}
export function failureOf(outcome: ModelOutcome) {
  if (outcome.kind !== "failure") throw new Error(JSON.stringify(outcome));
  return outcome.failure;
}
