// OpenAI's chat completions: the dialect that nearly every server has.
import type { ModelRequest } from "../../agent/model.ts";
import { writeConversation } from "../exchange/conversation.ts";
import { isRefusedValue } from "../exchange/failure/refusal.ts";
import type { Body, Wire, WireContext } from "../exchange/wire.ts";
import { createReplyBuilder } from "./reply/reply-builder.ts";
import { createMessageWriter } from "./request/messages.ts";

export const chatWire: Wire = {
  reply_name: "chat completion",
  needed_fields: new Set(["model", "messages", "stream", "tools"]),
  limitField: ({ limit }) => limit.field,
  effortFields: (reasoning_effort) => ({ reasoning_effort }),
  write: writeRequest,
  writeTool: (tool) => JSON.stringify({ type: "function", function: tool }),
  conversation_field: "messages",
  writeConversation: (request, context) => writeConversation(request, context, createMessageWriter),
  path: "/chat/completions",
  createReply: createReplyBuilder,
  readFailure: (chunk) => (isRefusedValue(chunk) ? chunk : null),
  ends_with_done: true,
};

function writeRequest(request: ModelRequest, { profile }: WireContext): Body {
  return {
    model: request.model,
    stream: true,
    stream_options: { include_usage: true },
    ...(typeof request.temperature === "number" ? { temperature: request.temperature } : {}),
    ...(request.tools.length > 0 ? profile.adds : {}),
  };
}
