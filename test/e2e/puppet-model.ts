// A model whose every chunk the test sends, so a test controls exactly what the server does between two chunks, or when
// one never comes. Speaks OpenAI's streamed chat completions; each request waits until the test takes it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { cutEnvironment } from "../../dev/model/environment.ts";
import { cutReminder } from "../../dev/model/reminder.ts";

interface SentMessage {
  role: string;
  content: unknown;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
}

/** One request of the server, answered by the test. */
export interface ModelCall {
  model: string;
  /** Without the environment, and without the reminder at the end of the last one. */
  messages: SentMessage[];
  /** Empty if there is none. */
  reminder: string;
  headers: IncomingMessage["headers"];
  text(piece: string): void;
  think(piece: string): void;
  /** Begins a tool call; `args` continues it under the same index. */
  call(index: number, id: string, name: string, args?: string): void;
  args(index: number, piece: string): void;
  finish(reason?: "stop" | "tool_calls" | "length"): void;
  /** Responds with a status instead of a reply. */
  refuse(status: number, headers?: Record<string, string>, message?: string): void;
  /** Breaks the connection. */
  cut(): void;
  /** Resolves when either side has closed the connection. */
  closed: Promise<void>;
}

export interface PuppetModel {
  baseUrl: string;
  /** The next request, even if it came before this call. */
  next(): Promise<ModelCall>;
  /**
   * Drops waiting requests whose client has gone. (The harness makes requests for the Worker, and continues when the
   * Worker has left.)
   */
  forget(): void;
  close(): Promise<void>;
}

function separateReminder(messages: SentMessage[]): Pick<ModelCall, "messages" | "reminder"> {
  const last = messages.at(-1);
  if (!last || typeof last.content !== "string") return { messages, reminder: "" };
  const [content, reminder] = cutReminder(last.content);
  return { messages: content === "" ? messages : [...messages.slice(0, -1), { ...last, content }], reminder };
}

export async function startPuppetModel(): Promise<PuppetModel> {
  let waiting: ModelCall[] = [];
  const takers: ((call: ModelCall) => void)[] = [];
  const server = createServer(async (request, response) => {
    // It has no list of models, which the deep health asks for.
    if (request.method !== "POST") return void response.writeHead(404).end();
    const body = await readBody(request);
    if (body === null) return;
    const sent = JSON.parse(body) as { model: string; messages: SentMessage[] };
    const messages = sent.messages.map((message) =>
      typeof message.content === "string"
        ? { ...message, content: cutEnvironment(message.role, message.content) }
        : message,
    );
    const call = { ...makeCall(messages, request.headers, response), model: sent.model };
    const take = takers.shift();
    if (take === undefined) waiting.push(call);
    else take(call);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    next: () => {
      const call = waiting.shift();
      return call === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(call);
    },
    forget: () => {
      waiting = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Null where the connection ends before all of it has arrived: the run was cancelled. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  } catch {
    return null;
  }
}

function makeCall(
  messages: SentMessage[],
  headers: IncomingMessage["headers"],
  response: ServerResponse,
): Omit<ModelCall, "model"> {
  const send = (delta: object, finish: string | null = null): void => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices })}\n\n`);
  };
  return {
    ...separateReminder(messages),
    headers,
    text: (content) => send({ content }),
    think: (reasoning_content) => send({ reasoning_content }),
    call: (index, id, name, args = "") =>
      send({ tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] }),
    args: (index, piece) => send({ tool_calls: [{ index, function: { arguments: piece } }] }),
    finish: (reason = "stop") => {
      send({}, reason);
      response.end("data: [DONE]\n\n");
    },
    refuse: (status, headers = {}, message = "refused by the test") => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify({ error: { message, type: "server_error", code: null, param: null } }));
    },
    cut: () => response.destroy(),
    closed: new Promise((resolve) => response.once("close", () => resolve())),
  };
}
