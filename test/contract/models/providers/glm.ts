// GLM of Zhipu, also known as Z.ai. Codes of errors are numbers in texts. It sends the arguments of a call in one piece
// unless a request asks for `tool_stream`, and asks for its thoughts back without ever refusing their lack.
import { hasImage, isThinking, keyRule, messageRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import { type Ending, findSent, type Provider, type Refusal, type Rule } from "../wire.ts";

const errorPage = "https://docs.bigmodel.cn/cn/api/api-code";

function refuse(code: string, message: string, status: number): Refusal {
  return { status, body: { error: { code, message } } };
}

const invalidKey = refuse("1002", "Authorization Token非法，请确认Authorization Token正确传递。", 401);

const rules: Rule[] = [
  keyRule(errorPage, invalidKey),
  {
    name: "refuses a conversation without a user",
    source: "https://github.com/anomalyco/opencode/issues/2557",
    check: ({ messages }) =>
      messages.some(({ role }) => role === "user")
        ? null
        : refuse("1214", "The messages parameter is illegal. Please check the documentation.", 400),
  },
  messageRule(
    "refuses an image unless the model sees",
    "https://github.com/TriDefender/zcode-api/pull/26",
    (message, _at, _messages, { body }) =>
      hasImage(message) && !/^glm-[\d.]+v|^glm-5\.3/i.test(String(body.model))
        ? refuse("1210", "messages.content.type 参数非法，取值范围 ['text']", 400)
        : null,
  ),
];

const wishes: Rule[] = [
  {
    name: "asks for the thoughts before the calls of this turn, unchanged",
    source: "https://docs.z.ai/guides/capabilities/thinking-mode.md",
    check({ messages, body }, sent) {
      // With `clear_thinking: false` it keeps those of older turns as well.
      const from = body.clear_thinking === false ? 0 : messages.findLastIndex(({ role }) => role === "user");
      for (const message of messages.slice(from)) {
        const reply = message.tool_calls ? findSent(message, sent) : null;
        const thoughts = reply?.planned.reasoning ?? "";
        if (thoughts !== "" && message.reasoning_content !== thoughts)
          return refuse("1214", "no reasoning_content", 400);
      }
      return null;
    },
  },
];

const chunk = (delta: Record<string, unknown>, finish_reason?: string) => ({
  id: "20261127172335",
  created: 1_700_000_000,
  object: "chat.completion.chunk",
  model: "glm-5.2",
  choices: [{ index: 0, delta: { role: "assistant", ...delta }, ...(finish_reason && { finish_reason }) }],
});

const ended = (name: string, finish_reason: string, means: Ending["means"]): Ending => ({
  name,
  source: "https://docs.z.ai/api-reference/llm/chat-completion",
  chunks: [chunk({ content: "Now " }), chunk({ content: "" }, finish_reason)],
  means,
});

const endings: Ending[] = [
  {
    name: "a prompt longer than the window",
    source: errorPage,
    means: "too_long",
    refusal: refuse("1261", "Prompt 超长", 400),
  },
  {
    name: "an empty account, as a limit of requests",
    source: "https://github.com/zai-org/GLM-5/issues/148",
    means: "no_credit",
    refusal: refuse("1113", "Insufficient balance or no resource package. Please recharge.", 429),
  },
  {
    name: "an empty account, in Chinese",
    source: "https://github.com/zhayujie/CowAgent/issues/2910",
    means: "no_credit",
    refusal: refuse("1113", "余额不足或无可用资源包,请充值。", 429),
  },
  {
    name: "a plan that has ended",
    source: errorPage,
    means: "no_credit",
    refusal: refuse(
      "1309",
      "您的 GLM Coding Plan 套餐已到期，暂无法使用，前往官方续订后即可恢复 https://bigmodel.cn/claude-code",
      429,
    ),
  },
  {
    name: "too many requests at a time",
    source: errorPage,
    means: "rate_limited",
    refusal: refuse("1302", "您当前使用该 API 的并发数过高，请降低并发，或联系客服增加限额", 429),
  },
  {
    name: "a model under too much load",
    source: errorPage,
    means: "overloaded",
    refusal: refuse("1312", "该模型当前访问量过大，请您稍后再试，或切换其他模型如 glm-5 等", 429),
  },
  {
    name: "a request that the filter stops",
    source: errorPage,
    means: "filtered",
    refusal: refuse(
      "1301",
      "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合",
      400,
    ),
  },
  ended("a reply that the filter stops", "sensitive", "filtered"),
  ended("a reply that the network cuts", "network_error", "broken"),
  ended("a reply that reaches the end of the window", "model_context_window_exceeded", "too_long"),
  { name: "a wrong key", source: errorPage, means: "invalid_key", refusal: invalidKey },
  {
    name: "an unknown model",
    source: errorPage,
    means: "unknown_model",
    refusal: refuse("1211", "模型不存在，请检查模型代码。", 400),
  },
];

export const glm: Provider = {
  profile: "glm",
  base_url: "https://api.z.ai/api/paas/v4",
  model: "glm-5.2",
  images: "left_out",
  rules,
  wishes,
  endings,
  stream: (planned, turn, request) =>
    streamReply(isThinking(request) ? planned : { ...planned, reasoning: undefined }, turn, request, {
      reasoning: (text) => ({ role: "assistant", reasoning_content: text }),
      id: (at) => `call_-78314${turn}52${at}`,
      whole_arguments: request.body.tool_stream !== true,
    }),
};
