import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RefusedResponse } from "../bounded-fetch.ts";
import { describeError, describeErrorObject } from "./failure.ts";

const settings = { key: "OPENAI_API_KEY", base_url: "OPENAI_BASE_URL", model: "OPENAI_MODEL" };
const provider = { host: "api.model.example", secrets: [], settings };

function refused(status: number, body: unknown) {
  const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  const error = new RefusedResponse({ status, headers: new Headers(), text }, null);
  return describeError(error, provider).is_free ?? false;
}
const ended = (value: unknown, is_first: boolean) => describeErrorObject(value, provider, is_first).is_free ?? false;

describe("what a refused call costs", () => {
  it.each([400, 401, 402, 403, 404, 409, 413, 422, 425, 429, 451, 503, 521, 523, 525, 526, 529])(
    "is nothing for status %i",
    (status) => {
      expect(refused(status, { error: { message: "no" } })).toBe(true);
    },
  );

  it.each([301, 307, 408, 499, 500, 501, 502, 504, 520, 522, 524, 530, 599])(
    "may be something for status %i",
    (status) => {
      expect(refused(status, { error: { message: "no" } })).toBe(false);
    },
  );

  it("may be something where the model had written already", () => {
    expect(refused(400, { error: { message: "Failed to call a function.", code: "tool_use_failed" } })).toBe(false);
    const filtered = (message: string) => refused(400, { error: { message, code: "data_inspection_failed" } });
    expect(filtered("Output data may contain inappropriate content.")).toBe(false);
    expect(filtered("Input data may contain inappropriate content.")).toBe(true);
    expect(ended({ base_resp: { status_code: 1027, status_msg: "sensitive" } }, true)).toBe(false);
  });

  it("is nothing for a refusal inside a 200, if nothing came before it", () => {
    const limited = { base_resp: { status_code: 1002, status_msg: "rate limit" } };
    expect(ended(limited, true)).toBe(true);
    expect(ended(limited, false)).toBe(false);
    expect(ended({ error: { code: 503, message: "overloaded" } }, true)).toBe(false);
    expect(ended({ error: { message: "oops" } }, true)).toBe(false);
  });

  it("may be something whatever the words, unless the status is plainly a refusal's", () => {
    const isPlain = (status: number) =>
      [503, 521, 523, 525, 526, 529].includes(status) ||
      (status >= 400 && status < 500 && ![408, 499].includes(status));
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.oneof(fc.string(), fc.jsonValue()), (status, body) => {
        if (refused(status, body)) expect(isPlain(status)).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void expect(ended(value, false)).toBe(false)));
  });

  it.each([new TypeError("fetch failed"), new Error("reset"), "text", null])(
    "may be something when the connection fails: %s",
    (error) => expect(describeError(error, provider).is_free).toBeUndefined(),
  );
});
