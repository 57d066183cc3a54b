// Cloudflare's AI Gateway in front of a provider. It has a key of its own, in a header of its own, which every gateway
// made since November 2026 requires. Its own errors have an array under `error`.
import { streamReply } from "../streams.ts";
import type { Provider, Refusal } from "../wire.ts";

const authentication_guide = "https://developers.cloudflare.com/ai-gateway/configuration/authentication/";

const unauthorized: Refusal = {
  status: 401,
  body: { success: false, result: [], messages: [], error: [{ code: 2009, message: "Unauthorized" }] },
};

export const aiGateway: Provider = {
  profile: "ai-gateway",
  base_url: "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/main/compat",
  model: "openai/gpt-5-mini",
  images: true,
  rules: [
    {
      name: "refuses a request without the gateway's own key",
      source: "https://developers.cloudflare.com/changelog/post/2026-11-03-required-authentication/",
      check: ({ headers }) => (/^Bearer \S+$/.test(headers.get("cf-aig-authorization") ?? "") ? null : unauthorized),
    },
  ],
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      id: (at) => `call_Xq4${turn}${at}`,
      usage: ({ input, output, cached = 0 }) => ({
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
        prompt_tokens_details: { cached_tokens: cached },
      }),
    }),
  endings: [
    {
      name: "the gateway's key is unknown",
      source: authentication_guide,
      means: "invalid_key",
      refusal: unauthorized,
    },
  ],
};
