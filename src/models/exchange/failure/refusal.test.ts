import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRefusedValue, type Refusal, readRefusal, readRefusedValue } from "./refusal.ts";

const now = Date.parse("2026-11-27T10:00:00Z");
const read = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return readRefusal({ status, headers: new Headers(headers), text }, now);
};

type Form = [form: string, body: unknown, expected: Partial<Refusal>];

describe("readRefusal", () => {
  it.each<Form>([
    [
      "OpenAI's object (its API reference)",
      { error: { message: "No.", type: "invalid_request_error", code: "bad", param: "messages[1]" } },
      { detail: "No.", kind: "invalid_request_error bad", param: "messages[1]" },
    ],
    [
      "unwrapped (Cerebras, reports of users)",
      { message: "Too many.", type: "too_many_requests_error", param: "quota", code: "request_quota_exceeded" },
      { detail: "Too many.", kind: "too_many_requests_error request_quota_exceeded", param: "quota" },
    ],
    [
      "unwrapped with a number (SiliconFlow, reports of users)",
      { code: 20015, message: "length of prompt_tokens (68957) must be less than max_seq_len (65536).", data: null },
      { detail: "length of prompt_tokens (68957) must be less than max_seq_len (65536).", kind: "20015" },
    ],
    [
      "a list (Google, reports of users)",
      [
        {
          error: {
            code: 429,
            message: "Slow down.",
            status: "RESOURCE_EXHAUSTED",
            details: [
              {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                violations: [{ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" }],
              },
              { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "14s" },
            ],
          },
        },
      ],
      {
        detail: "Slow down.",
        kind: "429 resource_exhausted generaterequestsperminuteperprojectpermodel-freetier",
        retry_after_ms: 14_000,
      },
    ],
    ["a string in error (LM Studio, Ollama)", { error: "model 'x' not found" }, { detail: "model 'x' not found" }],
    [
      "a string in error beside a code (xAI, reports of users)",
      { code: "permission-denied", error: "Your team has no credits." },
      { detail: "Your team has no credits.", kind: "permission-denied" },
    ],
    ["plain text", "upstream connect error", { detail: "upstream connect error", kind: "" }],
    ["a page", "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>", { detail: "502 Bad Gateway" }],
    ["nothing", "", { detail: "no reason given" }],
    ["FastAPI's detail", { detail: "Not here." }, { detail: "Not here." }],
    [
      "FastAPI's list of fields",
      { detail: [{ loc: ["body", "messages"], msg: "Field required", type: "missing" }] },
      { detail: "body.messages: Field required", kind: "missing" },
    ],
    [
      "Mistral's object in message (reports of users)",
      {
        object: "error",
        message: { detail: [{ loc: ["body", "user"], msg: "Extra inputs", type: "extra_forbidden" }] },
      },
      { detail: "body.user: Extra inputs", kind: "extra_forbidden" },
    ],
    [
      "numbers as strings (Zhipu's error codes)",
      { error: { code: "1113", message: "您的账户已欠费，请充值后重试。" } },
      { detail: "您的账户已欠费，请充值后重试。", kind: "1113" },
    ],
    [
      "Cloudflare's list of errors",
      { success: false, errors: [{ code: 5007, message: "No such model" }] },
      { detail: "No such model", kind: "5007" },
    ],
    [
      "the provider's own words in OpenRouter's metadata (its documentation)",
      {
        error: {
          message: "Provider returned error",
          code: 429,
          metadata: {
            provider_name: "p",
            raw: '{"error":{"message":"Insufficient balance","type":"exceeded_current_quota_error"}}',
          },
        },
      },
      { detail: "Provider returned error: Insufficient balance", kind: "429 exceeded_current_quota_error" },
    ],
    [
      "the headers of OpenRouter's limits in its metadata (reports of users)",
      {
        error: {
          message: "Rate limit exceeded: free-models-per-day",
          code: 429,
          metadata: {
            headers: { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 5000), "bad name": "é" },
          },
        },
      },
      { retry_after_ms: 5000 },
    ],
    [
      "Azure's inner error (its documentation)",
      { error: { code: "bad_request", message: "Filtered.", innererror: { code: "ResponsibleAIPolicyViolation" } } },
      { kind: "bad_request responsibleaipolicyviolation" },
    ],
    [
      "JSON in a message (proxies in front of Google, reports of users)",
      { error: { message: '{\n "error": {"code": 429, "message": "Please retry in 20.04466179s."}}', code: 429 } },
      { detail: "Please retry in 20.04466179s.", retry_after_ms: 20_045 },
    ],
  ])("reads %s", (_form, body, expected) => {
    expect(read(429, body)).toMatchObject({ status: 429, ...expected });
  });

  it("prefers headers to fields of the body, and these to words", () => {
    const details = [{ "@type": "RetryInfo", retryDelay: "14s" }];
    const error = { message: "Please retry in 39.9s.", details };
    expect(read(429, { error }, { "retry-after": "3" }).retry_after_ms).toBe(3000);
    expect(read(429, { error }).retry_after_ms).toBe(14_000);
    expect(read(429, { error: { message: error.message } }).retry_after_ms).toBe(39_900);
  });

  it("takes JSON that was cut for words", () => {
    expect(read(400, '{"error":{"message":"half').detail).toBe('{"error":{"message":"half');
  });

  it("reads any value without an error, however deep", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 0, max: 12 }), (inner, depth) => {
        let body: unknown = inner;
        for (let at = 0; at < depth; at++) body = { error: body, metadata: { raw: body, headers: inner } };
        const refusal = read(500, body as object);
        expect(refusal.detail).not.toBe("");
        expect(typeof refusal.kind).toBe("string");
      }),
    );
  });
});

describe("readRefusedValue", () => {
  it.each([
    [{ error: { message: "x", code: 529 } }, 529],
    [{ error: { message: "x", code: "503" } }, 503],
    [{ error: { message: "x", code: "tool_use_failed", status_code: 400 } }, 400],
    [{ error: { message: "x", type: "server_error" } }, 0],
    [{ base_resp: { status_code: 1002, status_msg: "rate limit" } }, 429],
    [{ base_resp: { status_code: 1008, status_msg: "insufficient balance" } }, 402],
    [{ base_resp: { status_code: 1000, status_msg: "unknown error" } }, 500],
  ])("finds the status in %j", (value, expected) => {
    expect(readRefusedValue(value).status).toBe(expected);
  });

  it("keeps MiniMax's numbers apart from Zhipu's", () => {
    expect(readRefusedValue({ base_resp: { status_code: 1113, status_msg: "x" } }).kind).toBe("base_resp_1113");
  });
});

describe("isRefusedValue", () => {
  it.each([
    { error: "no" },
    { object: "error", message: "no" },
    { base_resp: { status_code: 1039, status_msg: "token limit" }, choices: null },
    { code: 20015, message: "no", data: null },
  ])("is true for %j", (chunk) => {
    expect(isRefusedValue(chunk)).toBe(true);
  });

  it.each([
    { choices: [] },
    { choices: [], error: null },
    { choices: [{}], base_resp: { status_code: 0, status_msg: "Invalid parameters detected" } },
    { usage: {}, code: null },
  ])("is false for %j", (chunk) => {
    expect(isRefusedValue(chunk)).toBe(false);
  });
});

describe("a wait that no limit of a minute needs", () => {
  const asks = (message: string) =>
    readRefusal({
      status: 429,
      headers: new Headers({ "retry-after": "86400" }),
      text: JSON.stringify({ error: { message } }),
    }).retry_after_ms;

  it("counts as not stated", () => {
    expect(
      asks("You have exceeded token rate limit of your S0 pricing tier. Please retry after 86400 seconds."),
    ).toBeNull();
    expect(asks("Rate limit reached on tokens per day (TPD)")).toBe(86_400_000);
    expect(asks("Quota exceeded")).toBe(86_400_000);
  });
});

it("of Cloudflare's own, in the place of a model server on its zone, is put into words", () => {
  const refusal = readRefusal({ status: 404, headers: new Headers(), text: "error code: 1042\n" });
  expect(refusal.detail).toMatch(
    /^Cloudflare refused in the server's place \(error 1042\): the address is another Worker/,
  );
});

it("keeps the first words of a refusal of megabytes, and no part of a word", () => {
  const { detail } = read(400, { error: { message: `No. ${"abcdefg ".repeat(500_000)}` } });
  expect(detail.length).toBeLessThanOrEqual(16 * 1024);
  expect(detail).toMatch(/^No\. (?:abcdefg ?)+$/);
});
