// OpenAI's chat completions: the dialect that nearly every server has.
import type { ModelRequest } from "../../agent/model.ts";
import { isRefusedValue } from "../exchange/failure/refusal.ts";
import type { Body, Wire, WireContext } from "../exchange/wire.ts";
import { createReplyBuilder } from "./reply/reply-builder.ts";
import { toWireMessages } from "./request/messages.ts";

export const chatWire: Wire = {
  reply_name: "chat completion",
  needed_fields: new Set(["model", "messages", "stream", "tools"]),
  limitField: ({ limit }) => limit.field,
  effortFields: (reasoning_effort) => ({ reasoning_effort }),
  write: writeRequest,
  send: (client, body, options) => client.post("/chat/completions", { ...options, body, stream: true }).asResponse(),
  createReply: createReplyBuilder,
  readFailure: (chunk) => (isRefusedValue(chunk) ? chunk : null),
  ends_with_done: true,
};

function writeRequest(request: ModelRequest, context: WireContext): Body {
  const { profile } = context;
  return {
    model: request.model,
    messages: toWireMessages(request, context),
    stream: true,
    stream_options: { include_usage: true },
    ...(typeof request.temperature === "number" ? { temperature: request.temperature } : {}),
    // OpenAI refuses an empty list.
    ...(request.tools.length > 0 ? { tools: request.tools.map((tool) => ({ type: "function", function: tool })) } : {}),
    ...(request.tools.length > 0 ? profile.adds : {}),
  };
}
