// OpenRouter in front of Gemini 3: its signatures are encrypted reasoning details, which Gemini checks as it does at its
// own address. A long block comes in pieces.
import { isDeepStrictEqual } from "node:util";
import { isOfThisTurn } from "../rules.ts";
import { cut, streamReply } from "../streams.ts";
import type { PlannedReply, Provider, Rule, StreamedReply, WireRequest } from "../wire.ts";
import { findSent } from "../wire.ts";
import { refuseUpstream, wrapStream } from "./openrouter.ts";

const reasoningGuide = "https://openrouter.ai/docs/guides/best-practices/reasoning-tokens";

function streamGemini(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply {
  const id = `tool_${planned.calls?.[0]?.name}_${turn}`;
  const block = { type: "reasoning.encrypted", format: "google-gemini-v1", id, index: 0 };
  const data = `EjQKMgEMOdbH0bM9ylvO${turn}`;
  const pieces = cut(data).map((data) => ({ content: "", reasoning_details: [{ ...block, data }] }));
  const streamed = streamReply(planned, turn, request, {
    chunk: { provider: "Google AI Studio" },
    usage_in: "nowhere",
    reasoning: (text) => ({ content: "", reasoning: text }),
    after_reasoning: () => pieces,
    id: (at, name) => `tool_${name}_${at}${turn}`,
    extras: planned.reasoning ? { reasoning_details: [{ ...block, data }] } : {},
  });
  return wrapStream(streamed, planned);
}

/** Gemini checks every call of this turn that it made itself. */
const missingDetails: Rule = {
  name: "refuses a call of this turn without its reasoning details",
  source: "https://github.com/microsoft/agent-framework/issues/2947",
  check({ messages }, sent) {
    const missing = messages.find((message, at) => {
      const reply = isOfThisTurn(messages, at) && message.tool_calls ? findSent(message, sent) : null;
      const details = reply?.extras.reasoning_details;
      return details !== undefined && !isDeepStrictEqual(message.reasoning_details, details);
    });
    if (missing === undefined) return null;
    const name = missing.tool_calls?.[0]?.function.name;
    return refuseUpstream(
      "Google AI Studio",
      `Gemini models require OpenRouter reasoning details to be preserved in each request. Please refer to our docs: ${reasoningGuide}#preserving-reasoning-blocks. Upstream error: {\n  "error": {\n    "code": 400,\n    "message": "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",\n    "status": "INVALID_ARGUMENT"\n  }\n}\n`,
    );
  },
};

export const openrouterGemini: Provider = {
  profile: "openrouter",
  base_url: "https://openrouter.ai/api/v1",
  model: "google/gemini-3-pro-preview",
  images: "seen",
  rules: [missingDetails],
  stream: streamGemini,
};
