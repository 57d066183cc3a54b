// Clients of the servers with a Responses API, and how a request breaks each of their rules.
import type { ResponseOutputItem } from "openai/resources/responses/responses";
import { azureResponses } from "../providers/azure.ts";
import { openResponses } from "../providers/open-responses.ts";
import { openai, openaiCodex, openaiNewest, openaiUnverified } from "../providers/openai.ts";
import type { ResponsesBreak, ResponsesClient, ResponsesDraft } from "../responses-client.ts";
import type { WireItem } from "../wire.ts";

const set =
  (fields: Record<string, unknown>): ResponsesBreak =>
  ({ body }) =>
    void Object.assign(body, fields);

function find({ body }: ResponsesDraft, wanted: (item: WireItem) => boolean): WireItem {
  const found = body.input.findLast(wanted);
  if (!found) throw new Error("the request has no such item");
  return found;
}

const editReasoning =
  (change: (item: WireItem) => void): ResponsesBreak =>
  (request) =>
    change(find(request, ({ type }) => type === "reasoning"));

const insert =
  (...items: WireItem[]): ResponsesBreak =>
  ({ body }) =>
    void body.input.splice(1, 0, ...items);

const drop =
  (wanted: (item: WireItem) => boolean): ResponsesBreak =>
  ({ body }) => {
    body.input = body.input.filter((item) => !wanted(item));
  };

/** Gives the last call and its output another id. */
const renameCall =
  (id: string): ResponsesBreak =>
  (request) => {
    const call = find(request, ({ type }) => type === "function_call");
    for (const item of request.body.input) if (item !== call && item.call_id === call.call_id) item.call_id = id;
    call.call_id = id;
  };

const dropKey: ResponsesBreak = ({ headers }) => {
  delete headers.authorization;
  delete headers["api-key"];
};

const summary = [{ type: "summary_text", text: "Hm." }];

/** All of a reply but the ids of its calls and messages, which a server without a memory doesn't know. */
function returnItems(output: ResponseOutputItem[]): WireItem[] {
  return output.map((item): WireItem => {
    if (item.type === "reasoning") return { ...item };
    if (item.type === "function_call") {
      return { type: item.type, call_id: item.call_id, name: item.name, arguments: item.arguments };
    }
    const { content, phase } = item as { content: { text: string }[]; phase?: string };
    const text = content.map((part) => part.text).join("");
    return { type: "message", role: "assistant", content: text, ...(phase ? { phase } : {}) };
  });
}

const formBreaks: Record<string, ResponsesBreak> = {
  "refuses another address": (request) => {
    request.url = request.url.replace("/v1/responses", "/v2/responses");
  },
  "refuses a field that it does not know": set({ max_tokens: 100 }),
  "refuses a tool in the form of chat completions": set({
    tools: [{ type: "function", function: { name: "read_file" }, strict: false }],
  }),
  "refuses a temperature where a model reasons": set({ temperature: 0.2 }),
  "refuses an effort that the model does not have": set({ reasoning: { effort: "minimal" } }),
  "refuses a limit of fewer than 16 tokens": set({ max_output_tokens: 10 }),
  "refuses a long key for the cache": set({ prompt_cache_key: "k".repeat(65) }),
  "refuses a field of an item that it does not know": insert({ role: "user", content: "Hi", parsed_arguments: {} }),
  "refuses a part of a message in the form of chat completions": insert({
    role: "user",
    content: [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }],
  }),
  "refuses the thoughts of another server as content of an item": editReasoning((item) => {
    item.content = [{ type: "reasoning_text", text: "Hm." }];
  }),
  "refuses an id of a call of more than 64 characters": renameCall(`call_${"x".repeat(64)}`),
};

const historyBreaks: Record<string, ResponsesBreak> = {
  "refuses reasoning that it would have to remember": editReasoning((item) => {
    delete item.encrypted_content;
  }),
  "refuses reasoning that it did not encrypt": editReasoning((item) => {
    item.encrypted_content = "gAAAAAB.elsewhere.example.rs_1.Hm.";
  }),
  "refuses reasoning under another id": editReasoning((item) => {
    item.id = "rs_other";
  }),
  "refuses reasoning without what it led to": (request) => {
    const reasoning = find(request, ({ type }) => type === "reasoning");
    request.body.input.push({ ...reasoning });
  },
  "refuses a call without its output": drop(({ type }) => type === "function_call_output"),
  "refuses an output without its call": insert({ type: "function_call_output", call_id: "call_unknown", output: "1" }),
};

const misses: Record<string, ResponsesBreak> = {
  "asks to keep nothing": set({ store: undefined }),
  "asks whether it shall send the reasoning": set({ include: undefined }),
  "asks that optional fields of a tool stay optional": ({ body }) => {
    body.tools = (body.tools as object[]).map((tool) => ({ ...tool, strict: undefined }));
  },
  "asks for the reasoning that led to the calls of this turn, in its place": drop(({ type }) => type === "reasoning"),
  "asks for the phase of each message": (request) => {
    delete find(request, ({ role }) => role === "assistant").phase;
  },
};

const openaiResponsesClient: ResponsesClient = {
  provider: openai,
  fields: { store: false, include: ["reasoning.encrypted_content"], reasoning: { summary: "auto" } },
  returns: returnItems,
  breaks: { "refuses a request without a key": dropKey, ...formBreaks, ...historyBreaks },
  misses,
};

const { "refuses another address": _, ...formBreaksAtAzure } = formBreaks;

export const responsesClients: ResponsesClient[] = [
  openaiResponsesClient,
  { ...openaiResponsesClient, provider: openaiNewest },
  { ...openaiResponsesClient, provider: openaiCodex },
  {
    ...openaiResponsesClient,
    provider: openaiUnverified,
    fields: { store: false, include: ["reasoning.encrypted_content"] },
    breaks: {
      ...openaiResponsesClient.breaks,
      "refuses a summary to an organization that is not verified": set({ reasoning: { summary: "auto" } }),
    },
  },
  {
    ...openaiResponsesClient,
    provider: azureResponses,
    breaks: {
      "refuses an address that is not of the v1 API": (request) => {
        request.url = request.url.replace("/openai/v1", "/v1");
      },
      "refuses a request without a key": dropKey,
      "refuses a model that is not the name of a deployment": set({ model: "gpt-9" }),
      ...formBreaksAtAzure,
      ...historyBreaks,
    },
  },
  {
    provider: openResponses,
    fields: { store: false },
    returns: (output) => returnItems(output).filter(({ type }) => type !== "reasoning"),
    breaks: {
      "refuses a field that it does not take": set({ reasoning: { effort: "high" } }),
      "refuses encrypted reasoning": insert(
        { type: "reasoning", id: "rs_1", summary, encrypted_content: "gAAAAAB" },
        { role: "assistant", content: "Hi." },
      ),
      "refuses an image to a model of text": insert({
        role: "user",
        content: [{ type: "input_image", image_url: "https://example.com/a.png", detail: "auto" }],
      }),
    },
  },
];
