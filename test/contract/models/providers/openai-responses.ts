// OpenAI's Responses API without a store. Reasoning comes back encrypted, in front of what it led to.
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { errorCodes, invalidKey, refusals } from "../openai-errors.ts";
import { encryptAt, formRules, historyRules } from "../openai-responses-rules.ts";
import { responsesWishes } from "../openai-responses-wishes.ts";
import { streamEvents } from "../responses-streams.ts";
import { badRequest, keyRule } from "../rules.ts";
import type { Ending, PlannedReply, ResponsesSide, Rule, StreamedReply, WireRequest } from "../wire.ts";

export function streamAt(host: string) {
  return (planned: PlannedReply, turn: number, request: WireRequest): StreamedReply => {
    const { include } = request.body as { include?: string[] };
    const encrypt = include?.includes("reasoning.encrypted_content") ? { encrypt: encryptAt(host) } : {};
    return streamEvents(planned, turn, request, { ...encrypt, phases: true });
  };
}

const failed = (code: string, message: string) => {
  const response = { id: "resp_1", object: "response", status: "failed", output: [], error: { code, message } };
  return [{ type: "response.failed", sequence_number: 1, response }] satisfies Loose[];
};

/** Events as servers send them, of which the types say more than an error has. */
type Loose = { type: ResponseStreamEvent["type"]; [field: string]: unknown };

const perMinute =
  "Rate limit reached for gpt-6.1-sol in organization org-9nhVOOJWMZgynslLydbGwfOd on tokens per min (TPM): Limit 10000, Used 7047, Requested 3088. Please try again in 810ms. Visit https://platform.openai.com/account/rate-limits to learn more.";
const reference = "https://developers.openai.com/api/reference/resources/responses";

const endings: Ending[] = [
  ...refusals.map((ending) => ({ ...ending })),
  {
    name: "a limit in the middle of a stream",
    source: "https://github.com/continuedev/continue/issues/12671",
    chunks: failed("rate_limit_exceeded", perMinute),
    means: "rate_limited",
    wait_ms: 810,
  },
  {
    name: "an error event with a limit",
    source: "https://github.com/anomalyco/opencode/issues/2244",
    chunks: [
      {
        type: "error",
        error: {
          type: "server_error",
          code: "rate_limit_exceeded",
          message: "Rate limit is exceeded. Try again in 26 seconds.",
          param: null,
        },
      },
    ],
    means: "rate_limited",
    wait_ms: 26_000,
  },
  {
    name: "an error event without a code",
    source: reference,
    chunks: [{ type: "error", code: null, message: "Something went wrong.", param: null, sequence_number: 3 }],
    means: "failed_in_reply",
  },
  {
    name: "an error of the server in the middle of a stream",
    source: reference,
    chunks: failed("server_error", "The server had an error while processing your request."),
    means: "failed_in_reply",
  },
  {
    name: "a conversation that is too long, in a stream",
    source: "https://github.com/openai/codex/issues/2255",
    chunks: failed(
      "context_length_exceeded",
      "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
    means: "too_long",
  },
  {
    name: "an empty account, in a stream",
    source: "https://github.com/openai/codex/issues/2255",
    chunks: failed(
      "insufficient_quota",
      "You exceeded your current quota, please check your plan and billing details.",
    ),
    means: "no_credit",
  },
  {
    name: "a prompt against the policy",
    source: reference,
    chunks: failed(
      "invalid_prompt",
      "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    ),
    means: "filtered",
  },
  {
    name: "a response that ends without an event that says so",
    source: "https://github.com/openai/codex/issues/1852",
    chunks: [
      {
        type: "response.output_text.delta",
        item_id: "m",
        output_index: 0,
        content_index: 0,
        delta: "Half",
        logprobs: [],
      },
    ],
    means: "broken",
  },
  {
    name: "a reply that the filter stops",
    source: reference,
    chunks: [
      {
        type: "response.incomplete",
        sequence_number: 1,
        response: { id: "resp_1", status: "incomplete", incomplete_details: { reason: "content_filter" }, output: [] },
      },
    ],
    means: "filtered",
  },
];

const summaryRule: Rule = {
  name: "refuses a summary to an organization that is not verified",
  source: "https://github.com/openai/openai-cookbook/issues/2271",
  check: ({ body }) =>
    (body.reasoning as { summary?: string } | undefined)?.summary === undefined
      ? null
      : badRequest(
          "Your organization must be verified to generate reasoning summaries. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes for access to propagate.",
          { param: "reasoning.summary", code: "unsupported_value" },
        ),
};

const host = "api.openai.com";

export const openaiSide: ResponsesSide = {
  rules: [keyRule(errorCodes, invalidKey), ...formRules, ...historyRules(host)],
  wishes: responsesWishes,
  endings,
  stream: streamAt(host),
};

/** The same for an organization that has not shown who it is. */
export const unverifiedSide: ResponsesSide = { ...openaiSide, rules: [...openaiSide.rules, summaryRule], endings: [] };
