// A model over HTTP that plays scripts: each conversation names its job in the first message, and each request takes the
// job's next reply. It speaks OpenAI's streamed chat completions, and counts tokens as a quarter of the characters.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Reply, Script } from "./job.ts";

interface SentMessage {
  role: string;
  content: unknown;
}

interface Playing {
  script: ReturnType<Script>;
  requests: number;
  tokens: number;
}

export interface ScriptedModel {
  baseUrl: string;
  /** The conversation whose first message has `Job NAME.` is answered by the script. */
  play(name: string, script: ReturnType<Script>): void;
  costs(name: string): { steps: number; tokens: number };
  close(): Promise<void>;
}

const CHARACTERS_PER_TOKEN = 4;

export async function startScriptedModel(): Promise<ScriptedModel> {
  const playing = new Map<string, Playing>();
  const server = createServer((request, response) => {
    void answer(request, response, playing).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    play: (name, script) => void playing.set(name, { script, requests: 0, tokens: 0 }),
    costs: (name) => ({ steps: playing.get(name)?.requests ?? 0, tokens: playing.get(name)?.tokens ?? 0 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  playing: ReadonlyMap<string, Playing>,
): Promise<void> {
  if (request.method !== "POST") return void response.writeHead(404).end();
  let body = "";
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) body += chunk;
  const { messages } = JSON.parse(body) as { messages: SentMessage[] };
  const job = playing.get(findName(messages));
  if (job === undefined) return void response.writeHead(400).end(JSON.stringify({ error: { message: "no such job" } }));
  job.requests++;
  const { value } = await job.script.next(readResults(messages));
  const written = send(response, value ?? "Done.", job.requests);
  job.tokens += Math.ceil((body.length + written) / CHARACTERS_PER_TOKEN);
}

function findName(messages: readonly SentMessage[]): string {
  const asked = messages.map(({ content }) => /\bJob (\S+)\./.exec(textOf(content))?.[1]);
  return asked.find((name) => name !== undefined) ?? "";
}

/** Of the newest message with calls. */
function readResults(messages: readonly SentMessage[]): string[] {
  const at = messages.findLastIndex(({ role }) => role === "assistant");
  return messages
    .slice(at + 1)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => textOf(content));
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}

/** Returns how many characters it wrote. */
function send(response: ServerResponse, reply: Reply, number: number): number {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const calls = typeof reply === "string" ? [] : reply;
  const tool_calls = calls.map(([name, args], index) => ({
    index,
    id: `call_${number}_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  const delta = typeof reply === "string" ? { content: reply } : { tool_calls };
  const chunk = (part: object, finish: string | null) =>
    `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta: part, finish_reason: finish }] })}\n\n`;
  response.write(chunk({ role: "assistant", ...delta }, null));
  response.write(chunk({}, calls.length > 0 ? "tool_calls" : "stop"));
  response.end("data: [DONE]\n\n");
  return JSON.stringify(delta).length;
}
