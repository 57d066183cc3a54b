// Bedrock's address for OpenAI's clients, with gpt-oss. Messages have a closed set of fields, and thoughts stand in the
// text, a tag around each piece of them.
import { messageRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import type { Ending, Provider, Refusal } from "../wire.ts";

const knownFields = ["role", "content", "name", "tool_calls", "tool_call_id", "refusal"];

function refuse(message: string, type = "invalid_request_error", status = 400): Refusal {
  return { status, body: { error: { code: null, message, param: null, type } } };
}

const endings: Ending[] = [
  {
    name: "a minute's requests are used up",
    source: "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html",
    means: "rate_limited",
    refusal: refuse("Too many requests, please wait before trying again.", "rate_limit_exceeded", 429),
  },
];

export const bedrock: Provider = {
  profile: "bedrock",
  base_url: "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1",
  model: "openai.gpt-oss-120b-1:0",
  images: "left_out",
  rules: [
    messageRule(
      "refuses a message of a form that it does not know",
      "https://github.com/mastra-ai/mastra/pull/19230",
      (message) =>
        Object.keys(message).every((field) => knownFields.includes(field))
          ? null
          : refuse("Invalid 'messages': Invalid 'content': value did not match any expected variant"),
    ),
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      // https://github.com/CherryHQ/cherry-studio/issues/10225
      reasoning: (text) => ({ content: `<reasoning>${text}</reasoning>` }),
      id: (at) => `chatcmpl-tool-5f0e${turn}${at}`,
    }),
};
