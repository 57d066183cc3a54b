// OpenAI's Responses API, without a memory on the server: each request has the whole history, and reasoning comes and goes
// encrypted.
import type { FunctionTool, ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ModelMessage, ModelRequest, ToolDescription } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import { textOf } from "../../protocol/message.ts";
import { writeConversation } from "../exchange/conversation.ts";
import { isRefusedValue } from "../exchange/failure/refusal.ts";
import { hashText } from "../exchange/messages.ts";
import type { Wire, WireContext } from "../exchange/wire.ts";
import { createReplyBuilder } from "./reply/reply-builder.ts";
import { createItemWriter } from "./request/items.ts";

export const responsesWire: Wire = {
  reply_name: "response of a model",
  needed_fields: new Set(["model", "input", "stream", "tools"]),
  limitField: () => "max_output_tokens",
  effortFields: (effort) => ({ reasoning: { effort } }),
  write: (request, context) => ({ ...writeRequest(request, context) }),
  writeTool: (tool) => JSON.stringify(toTool(tool)),
  conversation_field: "input",
  writeConversation: (request, context) =>
    writeConversation(request, keepsReasoning(context) ? context : { ...context, shape: undefined }, (own) =>
      createItemWriter(request.messages, own),
    ),
  path: "/responses",
  createReply: createReplyBuilder,
  readFailure,
  ends_with_done: false,
};

/** What a server could not read may be anywhere in the conversation, and all before it goes without its reasoning. */
function keepsReasoning({ refused_items }: WireContext): boolean {
  return refused_items.size === 0;
}

function writeRequest(request: ModelRequest, context: WireContext): ResponseCreateParamsStreaming {
  const { profile } = context;
  return {
    model: request.model,
    stream: true,
    store: false,
    ...(profile.reasons ? { include: ["reasoning.encrypted_content"], reasoning: { summary: "auto" } } : {}),
    ...(profile.cache_key ? cacheKey(request.messages) : {}),
    ...(typeof request.temperature === "number" ? { temperature: request.temperature } : {}),
  };
}

/** Without the word, the server would make every field required: ours have optional ones. */
function toTool({ name, description, parameters }: ToolDescription): FunctionTool {
  return { type: "function", name, description, parameters, strict: false };
}

/** A conversation is known by its first question, so that its requests find the machine that has cached the last one. */
function cacheKey(messages: readonly ModelMessage[]): { prompt_cache_key?: string } {
  const first = messages.find(({ role }) => role === "user");
  if (first?.role !== "user") return {};
  const prompt_cache_key = cacheKeys.get(first) ?? hashText(textOf(first.content));
  cacheKeys.set(first, prompt_cache_key);
  return { prompt_cache_key };
}

/** Messages never change, and the first may be a long one. */
const cacheKeys = new WeakMap<ModelMessage, string>();

/** A failure is an event of its own, a status of the response, or an error as in chat completions. */
function readFailure(event: Record<string, unknown>): Record<string, unknown> | null {
  const { type } = event;
  if (type === "error" || type === "response.error") return event;
  const response = isRecord(event.response) ? event.response : event;
  if (type === "response.failed" || response.status === "failed") {
    return isRecord(response.error) ? response.error : { message: "the response failed" };
  }
  const isEvent = typeof type === "string" && type.startsWith("response.");
  return !isEvent && isRefusedValue(event) ? event : null;
}
