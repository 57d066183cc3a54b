// Gemini 3 at Google's OpenAI-compatible address. A step's first call has a signature that must come back, while the
// turn lasts. Its stream departs from OpenAI's: calls come whole and without `index`, and a reply with calls ends with
// `stop`. Errors are arrays.
import { fieldRule, isOfThisTurn } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import type { Ending, Provider, Refusal, Rule, WireCall, WireMessage } from "../wire.ts";

const signatureGuide = "https://ai.google.dev/gemini-api/docs/thought-signatures";

/** What Google documents for calls that another model made. */
const dummySignatures = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

function refuse(code: number, status: string, message: string, details?: unknown[], headers = {}): Refusal {
  return { status: code, headers, body: [{ error: { code, message, status, ...(details ? { details } : {}) } }] };
}

function signatureOf(call: WireCall | undefined): string | undefined {
  const content = call?.extra_content as { google?: { thought_signature?: string } } | undefined;
  return content?.google?.thought_signature;
}

/** The place of a message among those that become Gemini's contents, from 1. */
function placeOf(messages: WireMessage[], at: number): number {
  return messages.slice(0, at + 1).filter(({ role }) => role !== "system").length;
}

const missingSignature: Rule = {
  name: "refuses a step of this turn whose first call has no signature",
  source:
    "https://discuss.ai.google.dev/t/openai-api-compatibility-broken-due-to-thought-signature-on-gemini-3-pro-preview/109823",
  check({ messages }) {
    const at = messages.findIndex(
      ({ tool_calls }, at) => tool_calls && isOfThisTurn(messages, at) && !signatureOf(tool_calls[0]),
    );
    if (at < 0) return null;
    const name = messages[at]?.tool_calls?.[0]?.function.name;
    return refuse(
      400,
      "INVALID_ARGUMENT",
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position ${placeOf(messages, at)}. Please refer to ${signatureGuide} for more details.`,
    );
  },
};

const foreignSignature: Rule = {
  name: "refuses a signature that it did not make",
  source: signatureGuide,
  check({ messages }, sent) {
    const known = [...dummySignatures, ...sent.map(({ extras }) => extras.signature)];
    const signatures = messages.flatMap(({ tool_calls }) => (tool_calls ?? []).map(signatureOf));
    const isForeign = signatures.some((signature) => signature && !known.includes(signature));
    return isForeign ? refuse(400, "INVALID_ARGUMENT", "Thought signature is not valid") : null;
  },
};

const strayCall: Rule = {
  name: "refuses a call right behind words of the model",
  source: "https://github.com/lobehub/lobehub/issues/7298",
  check({ messages }) {
    const at = messages.findIndex(({ tool_calls }, at) => tool_calls && messages[at - 1]?.role === "assistant");
    if (at < 0) return null;
    return refuse(
      400,
      "INVALID_ARGUMENT",
      "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
    );
  },
};

const unknownField = fieldRule(
  "refuses a field that it does not know",
  "https://github.com/liliMozi/openhanako/issues/394",
  ["store", "prompt_cache_key", "reasoning", "google", "enable_thinking"],
  (field) => {
    const description = `Invalid JSON payload received. Unknown name "${field}": Cannot find field.`;
    const violation = { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ description }] };
    return refuse(400, "INVALID_ARGUMENT", description, [violation]);
  },
);

const quota = (id: string) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations: [{ quotaMetric: "generativelanguage.googleapis.com/generate_content_free_tier_requests", quotaId: id }],
});

const endings: Ending[] = [
  {
    name: "a minute's requests are used up, in the words of an empty account",
    source: "https://github.com/googleapis/python-genai/issues/2044",
    means: "rate_limited",
    wait_ms: 47_000,
    refusal: refuse(
      429,
      "RESOURCE_EXHAUSTED",
      "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10, model: gemini-3-flash",
      [
        quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "47s" },
      ],
    ),
  },
  {
    name: "the wait stands in the text alone",
    source: "https://github.com/continuedev/continue/issues/9570",
    means: "rate_limited",
    wait_ms: 45_579,
    refusal: refuse(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: requests.\nPlease retry in 45.578569677s."),
  },
  {
    name: "a limit without a wait",
    source: "https://github.com/n4ze3m/page-assist/issues/406",
    means: "rate_limited",
    refusal: refuse(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
  },
  {
    name: "the conversation is too long",
    source: "https://github.com/google-gemini/gemini-cli/issues/6678",
    means: "too_long",
    refusal: refuse(
      400,
      "INVALID_ARGUMENT",
      "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
    ),
  },
  {
    name: "the key is unknown, which is a bad request",
    source: "https://github.com/continuedev/continue/issues/10748",
    means: "invalid_key",
    refusal: refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" },
    ]),
  },
];

export const gemini: Provider = {
  profile: "gemini",
  base_url: "https://generativelanguage.googleapis.com/v1beta/openai",
  model: "gemini-3-pro-preview",
  images: "seen",
  rules: [missingSignature, foreignSignature, strayCall, unknownField],
  endings,
  stream(planned, turn, request) {
    const signature = `CrICAdHtim827fQ${turn}`;
    return streamReply(planned, turn, request, {
      id: (at) => `function-call-${turn}${at}314159`,
      without_index: true,
      whole_arguments: true,
      calls_finish: "stop",
      call: (_at, isFirst) => (isFirst ? { extra_content: { google: { thought_signature: signature } } } : {}),
      // Thoughts are in the total alone: https://github.com/router-for-me/CLIProxyAPI/issues/5733
      usage: (usage) => ({ ...sumTokens(usage), completion_tokens: usage.output - (usage.reasoned ?? 0) }),
      usage_in: "last_chunk",
      extras: planned.calls ? { signature } : {},
    });
  },
};
