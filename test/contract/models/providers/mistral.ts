// Mistral with a model that thinks. Its schema is closed: a field that it does not know is a 422. Reasoning comes as
// parts of `content`, and may go back as the same parts.
import { fieldRule, messageRule } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import { type Ending, findSent, type Provider, type Refusal, type WireMessage } from "../wire.ts";

function refuse(message: unknown, type = "invalid_request_error", code: string | null = null, status = 400): Refusal {
  return { status, body: { object: "error", message, type, param: null, code } };
}

function forbid(loc: (string | number)[], input: unknown): Refusal {
  const detail = [{ type: "extra_forbidden", loc: ["body", ...loc], msg: "Extra inputs are not permitted", input }];
  return refuse({ detail }, "invalid_request_error", null, 422);
}

const idPattern = /^[a-zA-Z0-9]{9}$/;

function idsOf({ tool_calls, tool_call_id }: WireMessage): string[] {
  return [...(tool_calls ?? []).map(({ id }) => id), ...(tool_call_id === undefined ? [] : [tool_call_id])];
}

const knownFields: Record<string, string[]> = {
  system: ["role", "content"],
  user: ["role", "content"],
  assistant: ["role", "content", "tool_calls", "prefix"],
  tool: ["role", "content", "tool_call_id", "name"],
};

const endings: Ending[] = [
  {
    name: "a limit without a wait",
    source: "https://github.com/cline/cline/issues/9085",
    means: "rate_limited",
    refusal: refuse("Rate limit exceeded", "rate_limited", "1300", 429),
  },
  {
    name: "a limit in a body without a type",
    source: "https://github.com/pydantic/pydantic-ai/issues/1885",
    means: "rate_limited",
    refusal: { status: 429, body: { message: "Requests rate limit exceeded" } },
  },
  {
    name: "the servers are full",
    source: "https://github.com/continuedev/continue/issues/6185",
    means: "overloaded",
    refusal: refuse("Service tier capacity exceeded for this model.", "invalid_request_error", null, 429),
  },
  {
    name: "the conversation is too long",
    source: "https://portkey.ai/error-library/context-length-exceeded-error-13710000",
    means: "too_long",
    refusal: refuse(
      "Prompt contains 159202 tokens and 0 draft tokens, too large for model with 131072 maximum context length",
      "invalid_request_invalid_args",
      "3051",
    ),
  },
  {
    name: "the prepaid credit is used up",
    // The source has the status, not the words.,
    source: "https://www.developersdigest.tech/errors/api/mistral-api/402-payment-required",
    means: "no_credit",
    refusal: refuse("Payment required", "invalid_request_error", null, 402),
  },
  {
    name: "the key is unknown",
    source: "https://github.com/cline/cline/issues/6235",
    means: "invalid_key",
    refusal: { status: 401, body: { detail: "Unauthorized" } },
  },
  {
    name: "the model is unknown, which is a bad request",
    source: "https://github.com/tmc/langchaingo/issues/1233",
    means: "unknown_model",
    refusal: refuse("Invalid model: mistral-nonesuch", "invalid_model", "1500"),
  },
  {
    name: "a reply that ends with an error",
    source: "https://docs.rs/crate/mistral-openapi-client/latest/source/docs/CompletionResponseStreamChoice.md",
    means: "broken",
    chunks: [
      { id: "c3c77283", choices: [{ index: 0, delta: { role: "assistant", content: "Half" }, finish_reason: null }] },
      { id: "c3c77283", choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }] },
    ],
  },
];

export const mistral: Provider = {
  profile: "mistral",
  base_url: "https://api.mistral.ai/v1",
  model: "magistral-medium-2509",
  images: "seen",
  rules: [
    messageRule(
      "refuses an id that is not nine letters and digits",
      "https://github.com/openclaw/openclaw/issues/57672",
      (message) => {
        const id = idsOf(message).find((id) => !idPattern.test(id));
        if (id === undefined) return null;
        const words = `Tool call id was ${id} but must be a-z, A-Z, 0-9, with a length of 9.`;
        return refuse(words, "invalid_function_call", "3280");
      },
    ),
    messageRule(
      "refuses a user or system message right after a tool result",
      "https://github.com/datapizza-labs/datapizza-ai/issues/98",
      ({ role }, at, messages) =>
        messages[at - 1]?.role === "tool" && role !== "assistant" && role !== "tool"
          ? refuse(`Unexpected role '${role}' after role 'tool'`, "invalid_request_message_order", "3230")
          : null,
    ),
    {
      name: "refuses a conversation that ends with the assistant",
      source: "https://github.com/0xPlaygrounds/rig/pull/1130",
      check({ messages }) {
        const last = messages.at(-1);
        if (last?.role !== "assistant" || last.prefix === true) return null;
        return refuse(
          "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
          "invalid_request_message_order",
          "3230",
        );
      },
    },
    messageRule(
      "refuses an assistant's message that says and calls nothing",
      "https://github.com/solbrowse/extension/issues/16",
      ({ role, content, tool_calls }) =>
        role === "assistant" && !content && !tool_calls?.length
          ? refuse("Assistant message must have either content or tool_calls, but not none.")
          : null,
    ),
    messageRule(
      "refuses a field of a message that it does not know",
      "https://github.com/charmbracelet/crush/issues/1590",
      (message, at) => {
        const field = Object.keys(message).find((key) => !knownFields[message.role]?.includes(key));
        return field === undefined ? null : forbid(["messages", at, message.role, field], message[field]);
      },
    ),
    fieldRule(
      "refuses stream_options, as in March 2025",
      "https://github.com/dnakov/anon-kode/issues/53",
      ["stream_options"],
      () => forbid(["stream_options", "include_usage"], true),
    ),
    fieldRule(
      "refuses OpenAI's newer fields",
      "https://github.com/editor-code-assistant/eca/issues/231",
      ["max_completion_tokens", "store"],
      (field, value) => forbid([field], value),
    ),
  ],
  wishes: [
    {
      name: "asks for its thoughts back, as the parts that they came in",
      source: "https://github.com/BerriAI/litellm/issues/16272",
      check({ messages }, sent) {
        const isKept = (message: WireMessage) => {
          const reasoning = findSent(message, sent)?.planned.reasoning;
          return reasoning === undefined || JSON.stringify(message.content).includes(JSON.stringify(reasoning));
        };
        return messages.every(isKept) ? null : refuse("the thoughts are missing");
      },
    },
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      reasoning: (text) => ({ content: [{ type: "thinking", thinking: [{ type: "text", text }] }] }),
      id: (at) => `D681PeV${turn}${at}`,
      whole_arguments: true,
      usage: sumTokens,
      usage_in: "last_chunk",
    }),
};
