// What refusals of real servers teach about the operation, and about reasoning that goes back.
import { describe, expect, it } from "vitest";
import { readRefusal } from "../exchange/failure/refusal.ts";
import { classifyRefusal } from "../exchange/failure/refusal-reason.ts";
import type { SentRequest } from "./learn.ts";
import { readObjection } from "./learn.ts";
import { plainProfile } from "./profile.ts";

const sent: SentRequest = {
  profile: { ...plainProfile, api: "responses" },
  optional_fields: ["include", "reasoning", "reasoning.summary"],
  model: "gpt-6.1-sol",
  images: [],
  rules: [],
  lessons: [],
  is_api_set: false,
  limit_field: "max_output_tokens",
  is_effort_set: false,
  chosen_fields: [],
  newest_item: null,
};

function learn(status: number, text: string, given: Partial<SentRequest> = {}): string[] {
  const refusal = readRefusal({ status, headers: new Headers(), text });
  const objection = { ...refusal, reason: classifyRefusal(refusal).reason };
  return readObjection(objection, { ...sent, ...given }).find((rules) => rules.length > 0) ?? [];
}

describe("a server without the Responses API", () => {
  it.each([
    [501, "<html><head><title>501 Not Implemented</title></head></html>"],
    [501, '{"error":{"message":"not implemented","type":"not_implemented"}}'],
    // https://github.com/QuantumNous/new-api/issues/4534
    [500, '{"error":{"message":"not implemented","type":"new_api_error","code":"convert_request_failed"}}'],
    [404, "<html><body><h1>The model server</h1>There is nothing here.</body></html>"],
    [404, "<html><head><title>Model Gateway - Page not found</title></head></html>"],
    [410, ""],
  ])("is asked at chat completions: %i %s", (status, text) => {
    expect(learn(status, text)).toEqual(["ask at /chat/completions"]);
  });

  it.each([
    [500, '{"error":{"message":"The server had an error","type":"server_error"}}'],
    [502, "<html><head><title>502 Bad Gateway</title></head></html>"],
    [404, '{"error":{"message":"The model `gpt-6.1-sol` does not exist","code":"model_not_found"}}'],
    [400, '{"error":{"message":"images of type webp are not implemented","type":"invalid_request_error"}}'],
  ])("is not taken for one that fails or lacks the model: %i %s", (status, text) => {
    expect(learn(status, text)).toEqual([]);
  });

  it("stays where the operator has put it", () => {
    expect(learn(501, "not implemented", { is_api_set: true })).toEqual([]);
  });
});

describe("reasoning that its server can't read", () => {
  it.each([
    "The encrypted content gAAA...wXBV could not be verified.",
    // xAI: https://github.com/Wei-Shaw/sub2api/issues/4535, https://github.com/chenyme/grok2api/issues/688
    "Could not decrypt the provided encrypted_content. Ensure the value is the unmodified encrypted_content from a previous response.",
    "Could not decode the compaction blob. Ensure it is unmodified from the compact response.",
    // https://github.com/can1357/oh-my-pi/issues/11928
    "reasoning `encrypted_content` was not issued to this caller",
    "Invalid encrypted_content in reasoning item",
    "Failed to decrypt the encrypted reasoning: the key has expired",
    "Duplicate item found with id rs_1. Remove duplicate items from your input and try again.",
    "Invalid 'input[2].id': 'reasoning_1'. Expected an ID that begins with 'rs'.",
  ])("is left out: %s", (message) => {
    expect(learn(400, JSON.stringify({ error: { message } }), { newest_item: "h" })).toEqual(["items:h"]);
  });

  it("is not blamed where none was sent", () => {
    const message = "Could not decrypt the provided encrypted_content.";
    expect(learn(400, JSON.stringify({ error: { message } }))).toEqual([]);
  });
});
