import { z } from "zod";
import { faultOf, type KnownPage, type StrictService } from "../strict-service.ts";

const body = z.strictObject({
  model: z.literal("model-1"),
  instructions: z.string().optional(),
  input: z.string().min(1),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("web_search"),
        filters: z.strictObject({ allowed_domains: z.array(z.string()).max(5) }).optional(),
        search_context_size: z.enum(["low", "medium", "high"]).optional(),
      }),
    )
    .length(1),
  tool_choice: z.enum(["auto", "required"]).optional(),
  include: z.array(z.literal("web_search_call.action.sources")).optional(),
  store: z.boolean().optional(),
  max_output_tokens: z.int().min(16).optional(),
});

const refuse = (status: number, type: string, code: string | null, message: string) => ({
  status,
  body: { error: { message, type, param: null, code } },
});

/** As OpenAI marks the addresses that it cites. */
function mark(url: string): string {
  const [, address = url, fragment = ""] = /^([^#]*)(#.*)?$/.exec(url) ?? [];
  return `${address}${address.includes("?") ? "&" : "?"}utm_source=openai${fragment}`;
}

/** The text that a model writes, and where its citations stand in it. */
function write(pages: KnownPage[]): { text: string; annotations: object[] } {
  let text = "";
  const annotations = pages.map(({ url, title, passage }, index) => {
    text += `${index === 0 ? "" : "\n"}${index + 1}. ${passage} (`;
    const start_index = text.length;
    text += `[${new URL(url).host}](${url})`;
    const annotation = {
      type: "url_citation",
      start_index,
      end_index: text.length,
      url: mark(url),
      title,
    };
    text += ")";
    return annotation;
  });
  return { text, annotations };
}

export const model: StrictService = {
  name: "model",
  documented: ["https://developers.openai.com/api/docs/guides/tools-web-search"],
  method: "POST",
  path: "/responses",
  readKey: ({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1],
  missingKey: refuse(401, "invalid_request_error", null, "You didn't provide an API key."),
  wrongKey: refuse(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-1***."),
  emptyAccount: refuse(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
  limited: {
    ...refuse(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    headers: { "retry-after": "7" },
  },
  limitedFor: 7000,
  findFault: (asked) => faultOf(body, asked.body),
  badRequest: (fault) => refuse(400, "invalid_request_error", "invalid_value", fault),
  answer: (pages) => {
    const { text, annotations } = write(pages);
    const sources = pages.map(({ url }) => ({ type: "url", url: mark(url) }));
    const message = { type: "output_text", text, annotations, logprobs: [] };
    return {
      ...{ id: "resp_1", object: "response", status: "completed", error: null, model: "model-1" },
      usage: {
        ...{ input_tokens: 9000, input_tokens_details: { cached_tokens: 1024 }, total_tokens: 9400 },
        ...{ output_tokens: 400, output_tokens_details: { reasoning_tokens: 64 } },
      },
      output: [
        { id: "ws_1", type: "web_search_call", status: "completed", action: { type: "search", query: "q", sources } },
        { id: "msg_1", type: "message", status: "completed", role: "assistant", content: [message] },
      ],
    };
  },
  dates: [],
};
