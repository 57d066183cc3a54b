// The least client of a strict server: it puts together what a stream says, in order, and sends a conversation on. It
// knows nothing of providers, so that a server is tested apart from the client that it tests.

import { openStrictServer, type StrictServer } from "./server.ts";
import type { Ending, PlannedReply, Provider, WireCall, WireMessage } from "./wire.ts";

export interface Asked {
  url: string;
  headers: Record<string, string>;
  body: Record<string, unknown> & { messages: WireMessage[] };
}

export interface ReadReply {
  text: string;
  reasoning: string;
  calls: WireCall[];
}

/** Writes a reply as a message of the next request. */
export type Writer = (reply: ReadReply) => WireMessage;

const parameters = { type: "object", properties: { path: { type: "string" } } };
const tool = { type: "function", function: { name: "read_file", parameters } };

/** A call with its thoughts, an answer, and an answer to the next question. */
const replies: PlannedReply[] = [
  { reasoning: "The file has to be read.", calls: [{ name: "read_file", arguments: { path: "notes.md" } }] },
  { reasoning: "It has one line.", text: "It has one line.", usage: { input: 40, output: 9, cached: 30 } },
  { reasoning: "Nothing else is there.", text: "No." },
];

export function openServer(provider: Provider): StrictServer {
  return openStrictServer(provider, (_request, turn) => replies[turn] ?? { text: "Yes." });
}

export function askFirst({ base_url, model }: Provider, more: Record<string, unknown> = {}): Asked {
  const url = new URL(base_url);
  url.pathname += "/chat/completions";
  const messages = [
    { role: "system", content: "You read files." },
    { role: "user", content: "How long are the notes?" },
  ];
  const headers = { authorization: "Bearer sk-nop", "api-key": "nop" };
  return { url: url.href, headers, body: { model, stream: true, tools: [tool], ...more, messages } };
}

export function send(server: StrictServer, { url, headers, body }: Asked): Promise<Response> {
  return server.fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Two turns with a call in the first; answers with the request that follows them. */
export async function converse(server: StrictServer, first: Asked, write: Writer): Promise<Asked> {
  const { messages } = first.body;
  const ask = async () => {
    const reply = await readReply(await send(server, { ...first, body: { ...first.body, messages } }));
    messages.push(write(reply));
    return reply.calls;
  };
  for (const { id } of await ask()) messages.push({ role: "tool", tool_call_id: id, content: "one line" });
  await ask();
  messages.push({ role: "user", content: "Is there more?" });
  await ask();
  messages.push({ role: "user", content: "Are you sure?" });
  return first;
}

export async function readChunks(response: Response): Promise<Record<string, unknown>[]> {
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return lines.map((line) => JSON.parse(line.slice("data: ".length)));
}

interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments?: string } }[];
}

async function readReply(response: Response): Promise<ReadReply> {
  const reply: ReadReply = { text: "", reasoning: "", calls: [] };
  for (const { choices } of await readChunks(response)) {
    for (const { delta } of (choices ?? []) as { delta?: Delta }[]) {
      reply.text += delta?.content ?? "";
      reply.reasoning += delta?.reasoning_content ?? "";
      for (const { index, id, function: part } of delta?.tool_calls ?? []) {
        const call = reply.calls[index] ?? { id: "", type: "function", function: { name: "", arguments: "" } };
        reply.calls[index] = call;
        call.id ||= id ?? "";
        call.function.name += part.name ?? "";
        call.function.arguments += part.arguments ?? "";
      }
    }
  }
  return reply;
}

/** What is wrong with the form of an ending; null if nothing is. */
export function checkEnding({ source, refusal, chunks, means, wait_ms }: Ending): string | null {
  if (!source.startsWith("https://")) return "has no public source";
  if ((refusal === undefined) === (chunks === undefined)) return "is neither a refusal nor a reply";
  if (wait_ms !== undefined && means !== "rate_limited") return "waits without a limit";
  return null;
}
