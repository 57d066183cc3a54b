import { describe, expect, it } from "vitest";
import type { ModelFailureReason } from "../../../protocol/run.ts";
import { readRefusal, readRefusedValue } from "./refusal.ts";
import { classifyRefusal } from "./refusal-reason.ts";

const classify = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  classifyRefusal(readRefusal({ status, headers: new Headers(headers), text: JSON.stringify(body) }));

/** `read`: where the body was found. */
type Case = [provider: string, read: string, status: number, body: unknown];

const error = (message: string, more: Record<string, unknown> = {}) => ({ error: { message, ...more } });
const quota = (...quotaIds: string[]) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations: quotaIds.map((quotaId) => ({ quotaId })),
});
const google = (message: string, ...details: unknown[]) => [
  error(message, { code: 429, status: "RESOURCE_EXHAUSTED", details }),
];
const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "20s" };
const exceeded = "You exceeded your current quota, please check your plan and billing details.";

const cases: Record<string, { retryable: boolean; cases: Case[] }> = {
  no_credit: {
    retryable: false,
    cases: [
      ["OpenAI", "error codes", 429, error(exceeded, { type: "insufficient_quota", code: "insufficient_quota" })],
      [
        "Moonshot",
        "users",
        429,
        error("organization exceeded current quota", { type: "exceeded_current_quota_error" }),
      ],
      ["Moonshot", "users", 403, error("is not active", { type: "exceeded_current_quota_error" })],
      ["Zhipu", "error codes", 429, error("您的账户已欠费，请充值后重试。", { code: "1113" })],
      ["Zhipu", "users", 429, error("余额不足或无可用资源包,请充值。")],
      ["Z.ai", "users", 429, { type: "error", error: { type: "1113", message: "Please recharge." } }],
      ["Zhipu", "error codes", 429, error("您的 GLM Coding Plan 套餐已到期", { code: "1309" })],
      ["Zhipu", "error codes", 429, error("该 API 已达今日调用次数限额", { code: "1304" })],
      ["MiniMax", "error codes", 200, { base_resp: { status_code: 1008, status_msg: "insufficient balance" } }],
      ["DeepSeek", "error codes", 402, error("Insufficient Balance", { type: "unknown_error" })],
      ["OpenRouter", "documentation", 402, error("This request requires more credits, or fewer max_tokens.")],
      ["OpenRouter", "users", 403, error("Key limit exceeded (total limit).", { code: 403 })],
      [
        "Anthropic",
        "users",
        400,
        error("Your credit balance is too low to access the API.", { type: "invalid_request_error" }),
      ],
      ["xAI", "users", 429, { error: "Your team has either used all available credits or reached its limit." }],
      ["xAI", "users", 403, { code: "permission-denied", error: "Your team has either used all available credits." }],
      ["DashScope", "users", 400, error("Access denied", { code: "Arrearage", type: "Arrearage" })],
      [
        "DashScope",
        "error codes",
        403,
        error("The free tier of the model has been exhausted.", { code: "AllocationQuota.FreeTierOnly" }),
      ],
      ["SiliconFlow", "error codes", 403, { code: 30001, message: "Sorry, your account balance is insufficient" }],
      [
        "Google, a day",
        "users",
        429,
        google(exceeded, quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), retryInfo),
      ],
      [
        "Google, no free tier",
        "users",
        429,
        google(`${exceeded} * Quota exceeded for metric: x, limit: 0, model: y`, retryInfo),
      ],
      [
        "Moonshot, a day",
        "users",
        429,
        error("request reached organization TPD rate limit", { type: "rate_limit_reached_error" }),
      ],
    ],
  },
  rate_limited: {
    retryable: true,
    cases: [
      ["OpenAI", "error codes", 429, error("Rate limit reached", { type: "requests", code: "rate_limit_exceeded" })],
      [
        "Moonshot",
        "users",
        429,
        error("max RPM: 3, please try again after 1 seconds", { type: "rate_limit_reached_error" }),
      ],
      ["MiniMax", "error codes", 200, { choices: null, base_resp: { status_code: 1039, status_msg: "token limit" } }],
      ["Moonshot", "users", 429, error("The engine is currently overloaded", { type: "engine_overloaded_error" })],
      ["Zhipu", "error codes", 429, error("您的账户已达到速率限制", { code: "1302" })],
      ["Zhipu", "error codes", 429, error("该模型当前访问量过大", { code: "1305" })],
      [
        "Zhipu, five hours",
        "users",
        429,
        error("已达到 5 小时的使用上限。您的限额将在 2026-08-25 07:41:44 重置。", { code: "1308" }),
      ],
      [
        "Google, a minute",
        "users",
        429,
        google(exceeded, quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retryInfo),
      ],
      [
        "Groq, a day that slides",
        "users",
        429,
        error("on tokens per day (TPD): Limit 100000. Please try again in 9m38s.", { type: "tokens" }),
      ],
      ["DashScope", "error codes", 429, error("Requests rate limit exceeded", { code: "limit_requests" })],
      ["Azure", "users", 429, error("Please retry after 86400 seconds.", { code: "429" })],
    ],
  },
  context_too_long: {
    retryable: false,
    cases: [
      ["Zhipu", "error codes", 400, error("Prompt 超长", { code: "1261" })],
      ["Zhipu", "error codes", 400, error("Prompt超长")],
      [
        "SiliconFlow",
        "users",
        400,
        { code: 20015, message: "length of prompt_tokens (68957) must be less than max_seq_len (65536)." },
      ],
      [
        "DashScope",
        "error codes",
        400,
        error("Range of input length should be [1, 30720]", { code: "invalid_parameter_error" }),
      ],
      [
        "MiniMax",
        "users",
        400,
        error("invalid params, context window exceeds limit (2013)", { type: "bad_request_error" }),
      ],
      ["Qianfan", "error codes", 400, error("Prompt tokens too long", { code: "tokens_too_long" })],
    ],
  },
  content_filtered: {
    retryable: false,
    cases: [
      ["DeepSeek", "users", 400, error("Content Exists Risk", { type: "invalid_request_error" })],
      [
        "DashScope",
        "error codes",
        400,
        error("Output data may contain inappropriate content.", { code: "data_inspection_failed" }),
      ],
      ["DashScope", "error codes", 400, { code: "DataInspectionFailed", message: "Input data may contain it." }],
      ["Zhipu", "error codes", 400, error("系统检测到输入或生成内容可能包含不安全或敏感内容", { code: "1301" })],
      ["MiniMax", "error codes", 200, { base_resp: { status_code: 1026, status_msg: "input new_sensitive" } }],
      ["MiniMax", "error codes", 200, { base_resp: { status_code: 1027, status_msg: "output new_sensitive" } }],
      [
        "Azure",
        "documentation",
        400,
        error("x", { code: "content_filter", innererror: { code: "ResponsibleAIPolicyViolation" } }),
      ],
      [
        "OpenRouter",
        "documentation",
        403,
        error("Flagged", { code: 403, metadata: { reasons: ["x"], flagged_input: "y" } }),
      ],
    ],
  },
  invalid_key: {
    retryable: false,
    cases: [
      ["Google", "users", 400, [error("API key not valid.", { code: 400, details: [{ reason: "API_KEY_INVALID" }] })]],
      ["xAI", "users", 400, { code: "Client specified an invalid argument", error: "Incorrect API key provided: x" }],
      ["Zhipu", "error codes", 401, error("身份验证失败。", { code: "1000" })],
      ["MiniMax", "error codes", 200, { base_resp: { status_code: 1004, status_msg: "login fail" } }],
    ],
  },
  model_not_found: {
    retryable: false,
    cases: [
      ["DeepSeek", "users", 400, error("Model Not Exist", { type: "invalid_request_error" })],
      ["SiliconFlow", "error codes", 400, { code: 20012, message: "Model does not exist. Please check it carefully." }],
      ["OpenRouter", "users", 400, error("m/x is not a valid model ID", { code: 400 })],
      ["Zhipu", "error codes", 400, error("模型不存在，请检查模型代码。", { code: "1211" })],
      ["one-api", "users", 503, error("No available channel for model x", { code: "model_not_found" })],
    ],
  },
  not_allowed: {
    retryable: false,
    cases: [
      ["OpenAI", "error codes", 403, error("Country, region, or territory not supported")],
      ["Zhipu", "error codes", 429, error("您的账户已被锁定", { code: "1112" })],
      ["Zhipu", "error codes", 429, error("当前订阅套餐暂未开放该模型权限", { code: "1311" })],
    ],
  },
  broken_reply: {
    retryable: true,
    cases: [
      [
        "Groq",
        "users",
        400,
        error("Failed to call a function.", { type: "invalid_request_error", code: "tool_use_failed" }),
      ],
    ],
  },
  server_failed: {
    retryable: true,
    cases: [
      ["Anthropic", "error codes", 529, error("Overloaded", { type: "overloaded_error" })],
      ["DeepSeek", "error codes", 503, error("Server overloaded")],
      ["a proxy", "users", 502, "<html><title>502 Bad Gateway</title></html>"],
    ],
  },
  request_refused: {
    retryable: false,
    cases: [
      ["DeepSeek", "users", 400, error("reasoning_content is missing in assistant tool call message at index 2")],
      [
        "Mistral",
        "users",
        422,
        { detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs", type: "extra_forbidden" }] },
      ],
      ["OpenAI", "error codes", 400, error("Invalid value for 'temperature'", { type: "invalid_request_error" })],
    ],
  },
};

describe("classifyRefusal", () => {
  for (const [reason, { retryable, cases: listed }] of Object.entries(cases)) {
    it.each<Case>(listed)(`calls it ${reason}: %s (%s) %i %j`, (_provider, _read, status, body) => {
      const answer = { status, headers: new Headers(), text: JSON.stringify(body) };
      const refusal = status === 200 ? readRefusedValue(body) : readRefusal(answer);
      expect(classifyRefusal(refusal)).toEqual({ reason: reason as ModelFailureReason, retryable });
    });
  }

  it("waits for a day's limit if the server says when it ends, and else calls it used up", () => {
    const body = error("Rate limit reached on tokens per day (TPD): Limit 100000", { code: 429 });
    expect(classify(429, body)).toEqual({ reason: "no_credit", retryable: false });
    const reset = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Date.now() + 60_000) };
    expect(classify(429, body, reset)).toEqual({ reason: "rate_limited", retryable: true });
  });
});
