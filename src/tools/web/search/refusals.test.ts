import { describe, expect, it } from "vitest";
import type { SearchServiceName } from "../../../config/search.ts";
import { reasonOfStatus } from "./exchange.ts";
import { definitions } from "./list.ts";

/** Why a service refuses, by the rules for all and its own. */
function reasonOf(name: SearchServiceName, status: number, body: unknown, headers: Record<string, string> = {}) {
  const refusal = { status, body, headers: new Headers(headers), retry_after_ms: null };
  return { reason: reasonOfStatus(status), ...definitions[name].readRefusal?.(refusal) }.reason;
}

/** As OpenAI writes it. */
const openai = (param: string | null, code: string | null, type = "invalid_request_error") => ({
  error: { message: "…", type, param, code },
});
/** As xAI writes it. */
const xai = (error: string, code = "Client specified an invalid argument") => ({ code, error });
const credits = "Your team 1 has either used all available credits or reached its monthly spending limit.";

describe("a refusal of a model's provider", () => {
  it.each([
    ["a key that xAI does not know", 400, xai("Incorrect API key provided: xa***1."), "key_refused"],
    ["xAI without credits", 429, xai(credits, "Some resource has been exhausted"), "account_empty"],
    ["xAI without credits, in its other form", 403, xai(credits, "permission-denied"), "account_empty"],
    ["xAI at its rate", 429, xai("Too many requests for team 1."), "rate_limited"],
    ["OpenAI without quota", 429, openai(null, "insufficient_quota"), "account_empty"],
    ["OpenAI without quota, in its older form", 429, openai(null, null, "insufficient_quota"), "account_empty"],
    ["OpenAI without a payment", 429, openai(null, "billing_not_active"), "account_empty"],
    ["a model that does not exist", 404, openai("model", "model_not_found"), "setup_refused"],
    ["the same as 400", 400, openai("model", "model_not_found"), "setup_refused"],
    ["a model without a search", 400, openai("tools", null), "setup_refused"],
    ["a domain that it does not take", 400, openai("tools[0].filters.allowed_domains", "invalid_value"), "bad_request"],
    ["a query that it does not take", 400, openai("input", "invalid_prompt"), "bad_request"],
  ])("for %s is known for what it is", (_what, status, body, reason) => {
    expect(reasonOf("model", status, body)).toBe(reason);
  });
});

describe("a limit of Brave", () => {
  const limited = (meta: object) => ({ type: "ErrorResponse", error: { status: 429, code: "RATE_LIMITED", meta } });

  it.each([
    ["the second's", { quota_limit: 2000, quota_current: 15 }, {}, "rate_limited"],
    ["the month's by its body", { quota_limit: 2000, quota_current: 2000 }, {}, "account_empty"],
    ["the month's by its headers", {}, { limit: "1, 2000", remaining: "1, 0" }, "account_empty"],
    ["the second's of a plan without a month's", { quota_limit: 0, quota_current: 14 }, {}, "rate_limited"],
    ["the same by its headers", {}, { limit: "50, 0", remaining: "0, 0" }, "rate_limited"],
    ["the second's by its headers", {}, { limit: "1, 2000", remaining: "0, 900" }, "rate_limited"],
  ])("is known as %s", (_which, meta, windows, reason) => {
    const headers = Object.fromEntries(Object.entries(windows).map(([name, value]) => [`x-ratelimit-${name}`, value]));
    expect(reasonOf("brave", 429, limited(meta), headers)).toBe(reason);
  });
});

it("knows an address where nothing is for the operator's to fix", () => {
  expect(reasonOf("brave", 404, { type: "ErrorResponse", error: { code: "RESOURCE_NOT_FOUND" } })).toBe(
    "setup_refused",
  );
  expect(reasonOf("exa", 404, { tag: "NOT_FOUND" })).toBe("setup_refused");
  expect(reasonOf("searxng", 405, null)).toBe("setup_refused");
});

it.each(["PROHIBITED_CONTENT", "CONTENT_FILTER_ERROR"])("knows Exa's %s for an objection to the query", (tag) => {
  expect(reasonOf("exa", 403, { requestId: "1", error: "…", tag })).toBe("bad_request");
  expect(reasonOf("exa", 403, { requestId: "1", error: "…", tag: "FEATURE_DISABLED" })).toBe("key_refused");
});
