// DeepSeek with its thinking mode, which V4 has on by default.
import { badRequest, messageRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import type { Provider } from "../wire.ts";

export const deepseek: Provider = {
  profile: "deepseek",
  base_url: "https://api.deepseek.com/v1",
  model: "deepseek-v4",
  images: false,
  rules: [
    messageRule(
      "refuses a call without the reasoning that led to it",
      "https://api-docs.deepseek.com/guides/thinking_mode",
      (message) =>
        message.tool_calls !== undefined && typeof message.reasoning_content !== "string"
          ? badRequest("The `reasoning_content` in the thinking mode must be passed back to the API.")
          : null,
    ),
    messageRule("refuses an image", "https://api-docs.deepseek.com/api/create-chat-completion", ({ content }, at) =>
      Array.isArray(content) && content.some((part) => part?.type === "image_url")
        ? badRequest(
            `Failed to deserialize the JSON body into the target type: messages[${at}]: unknown variant \`image_url\`, expected \`text\``,
          )
        : null,
    ),
  ],
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      reasoning: (text) => ({ reasoning_content: text, content: null }),
      id: (at) => `call_0${at}_${turn}d5f`,
      usage: ({ input, output, cached = 0 }) => ({
        prompt_tokens: input,
        completion_tokens: output,
        prompt_cache_hit_tokens: cached,
        prompt_cache_miss_tokens: input - cached,
      }),
    }),
};
