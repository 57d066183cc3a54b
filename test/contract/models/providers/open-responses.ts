// An open model at a server of one's own with a Responses API: thoughts come as they are, nothing is encrypted, and it
// takes few fields.
import { streamEvents } from "../responses-streams.ts";
import { hasImage, messageRule } from "../rules.ts";
import type { Ending, Provider, Refusal, ResponsesSide, Rule } from "../wire.ts";
import { vllm } from "./vllm.ts";

function refuse(message: string, param: string | null = null): Refusal {
  return { status: 400, body: { error: { message, type: "BadRequestError", param, code: 400 } } };
}

const rules: Rule[] = [
  {
    name: "refuses a field that it does not take",
    source: "https://github.com/m0at/rvllm/issues/17",
    check({ body }) {
      const field = ["reasoning", "prompt_cache_key"].find((one) => body[one] !== undefined);
      return field === undefined ? null : refuse(`\`${field}\` is not supported`, field);
    },
  },
  {
    name: "refuses encrypted reasoning",
    source: "https://github.com/vllm-project/vllm/pull/28248",
    check: ({ items }) =>
      items.some(({ type, encrypted_content }) => type === "reasoning" && encrypted_content)
        ? refuse("Encrypted content is not supported.")
        : null,
  },
  messageRule("refuses an image to a model of text", "https://github.com/vllm-project/vllm/issues/23402", (message) =>
    hasImage(message) ? refuse("openai/gpt-oss-120b is not a multimodal model") : null,
  ),
];

const endings: Ending[] = [
  {
    name: "a request that the server gave up",
    source: "https://github.com/vllm-project/vllm/blob/main/vllm/v1/engine/__init__.py",
    means: "broken",
    chunks: [
      {
        type: "response.completed",
        sequence_number: 1,
        response: { id: "resp_1", object: "response", status: "cancelled", output: [] },
      },
    ],
  },
];

const side: ResponsesSide = {
  rules,
  endings,
  stream: (planned, turn, request) => streamEvents(planned, turn, request, { raw: true }),
};

export const openResponses: Provider = {
  ...vllm,
  model: "openai/gpt-oss-120b",
  images: "left_out",
  api: "responses",
  only_responses: true,
  responses: side,
};
