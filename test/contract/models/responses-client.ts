// The least client of a server's Responses API, for the servers' own tests. It sends back what came.
import type { Response as Reply, ResponseOutputItem } from "openai/resources/responses/responses";
import { opening, step } from "./client.ts";
import { openStrictServer, type StrictServer } from "./server.ts";
import type { PlannedReply, Provider, WireItem } from "./wire.ts";

/** A request before it is sent. */
export interface ResponsesDraft {
  url: string;
  headers: Record<string, string>;
  body: { model: string; input: WireItem[]; [field: string]: unknown };
}

/** Changes a well-formed request so that it breaks one rule. */
export type ResponsesBreak = (request: ResponsesDraft) => void;

export interface ResponsesClient {
  provider: Provider;
  /** Fields beside model, input, stream and tools. */
  fields: Record<string, unknown>;
  /** What goes back of a reply. */
  returns: (output: ResponseOutputItem[]) => WireItem[];
  breaks: Record<string, ResponsesBreak>;
  misses?: Record<string, ResponsesBreak>;
}

export interface ResponsesAnswer {
  status: number;
  body: string;
  events: Record<string, unknown>[];
  /** The response of the last event. */
  response: Reply | null;
}

const replies: PlannedReply[] = [
  { reasoning: "The file has to be read.", calls: [{ name: "read_file", arguments: { path: "notes.md" } }] },
  { reasoning: "It has one line.", text: "It has one line.", usage: { input: 40, output: 9, cached: 30 } },
  step,
  { reasoning: "One and two.", text: "The sum is 3.", usage: { input: 200, output: 12 } },
];

export function openResponsesServer(provider: Provider): StrictServer {
  return openStrictServer(provider, (_request, turn) => replies[turn] ?? { text: "Yes." });
}

const parameters = { type: "object", properties: { path: { type: "string" } } };
const tool = { type: "function", name: "read_file", description: "Reads a file.", parameters, strict: false };

export function draftResponses({ provider, fields }: ResponsesClient, input: WireItem[]): ResponsesDraft {
  return {
    url: `${provider.base_url}/responses`,
    headers: { authorization: "Bearer sk-test-key", "api-key": "azure-key" },
    body: { model: provider.model, stream: true, tools: [tool], ...fields, input: structuredClone(input) },
  };
}

export async function askResponses(server: StrictServer, draft: ResponsesDraft): Promise<ResponsesAnswer> {
  const { url, headers, body } = draft;
  const response = await server.fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line.startsWith("data: {"));
  const events = response.ok ? lines.map((line) => JSON.parse(line.slice("data: ".length))) : [];
  return { status: response.status, body: text, events, response: (events.at(-1)?.response ?? null) as Reply | null };
}

/** One turn, and the step of a second one: answers with the request that brings the results of its calls. */
export async function converseResponses(client: ResponsesClient, server: StrictServer): Promise<ResponsesDraft> {
  const input: WireItem[] = opening.map((message) => ({ type: "message", ...message }));
  const takeStep = async () => {
    const { response } = await askResponses(server, draftResponses(client, input));
    const output = response?.output ?? [];
    input.push(...client.returns(output));
    for (const [at, item] of output.filter(({ type }) => type === "function_call").entries()) {
      const { call_id } = item as { call_id: string };
      input.push({ type: "function_call_output", call_id, output: String(at + 1) });
    }
  };
  await takeStep();
  await takeStep();
  input.push({ type: "message", role: "user", content: "Add a.txt and b.txt." });
  await takeStep();
  return draftResponses(client, input);
}
