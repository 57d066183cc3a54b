// The body of a request, by its profile. A request has few fields: each more is one that some server refuses.
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { ModelRequest } from "../../../agent/model.ts";
import type { Profile } from "../../profiles/profile.ts";
import { toWireMessages, type WireContext } from "./messages.ts";

export type RequestBody = ChatCompletionCreateParamsStreaming;

/** Without these there is no request. */
const neededFields = new Set(["model", "messages", "stream", "tools"]);

export function toRequestBody(request: ModelRequest, context: WireContext): RequestBody {
  const { profile } = context;
  const body: Record<string, unknown> = {
    model: request.model,
    messages: toWireMessages(request, context),
    stream: true,
    stream_options: { include_usage: true },
    ...(typeof request.temperature === "number" ? { temperature: request.temperature } : {}),
    // OpenAI refuses an empty list.
    ...(request.tools.length > 0 ? { tools: request.tools.map((tool) => ({ type: "function", function: tool })) } : {}),
    ...limitOf(request, profile),
    ...(request.tools.length > 0 ? profile.adds : {}),
  };
  for (const field of profile.omits) if (!neededFields.has(field)) delete body[field];
  return body as unknown as RequestBody;
}

/** The fields that the request can do without. */
export function optionalFields(body: RequestBody): string[] {
  return Object.keys(body).filter((field) => !neededFields.has(field));
}

function limitOf({ max_output_tokens }: ModelRequest, { limit }: Profile): Record<string, unknown> {
  if (!limit.required || max_output_tokens === undefined) return {};
  return { [limit.field]: Math.min(max_output_tokens, limit.max ?? Number.POSITIVE_INFINITY) };
}
