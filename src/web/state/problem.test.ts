import { expect, it } from "vitest";
import { exceeded } from "../../protocol/money/quotas.ts";
import { ApiError } from "../client/api.ts";
import { describeProblem, describeRetry } from "./problem.ts";

it("a key that lacks a scope reads which, and another refusal keeps its own reason", () => {
  const refused = "Not allowed: This needs an API key with the scope `run`. The scopes of yours: `read`.";
  const { text, detail } = describeProblem(new ApiError(403, "forbidden", refused));
  expect(text).toContain("“run”");
  expect(detail).toBe(refused);
  const other = describeProblem(new ApiError(403, "forbidden", "Not allowed: The path leaves the work dir by a link."));
  expect(other.text).not.toContain("“");
  expect(other.detail).toContain("leaves the work dir");
});

it("a quota of what somebody has is told apart from too many requests", () => {
  const used = "A quota is used up: Your quota of 20 webhooks (webhooks) is used up.";
  expect(describeProblem(new ApiError(409, "quota_exceeded", used))).toMatchObject({
    text: expect.stringMatching(/reached your quota. Delete/),
    detail: used,
  });
  expect(describeProblem(new ApiError(429, "quota_exceeded", used)).text).toMatch(/^Too many requests/);
  expect(describeProblem(new ApiError(409, "busy", "")).text).not.toContain("quota");
});

it("a quota of a day says that it ends with the day, in the server's own words", () => {
  const used = new ApiError(429, "quota_exceeded", exceeded("sandbox_hours_per_day", 5, 3_600).detail);
  expect(describeProblem(used).text).toMatch(/^You've used up today's quota/);
  expect(describeProblem(used).detail).toContain("at 00:00 UTC, in 60 minutes");
});

it("a server that says when it takes a request again is quoted with that time, also to whoever tries again", () => {
  const at = Date.now() + 65_000;
  const time = new Date(at).toLocaleTimeString("en-GB");
  const error = new ApiError(429, "quota_exceeded", "A quota is used up: 120 runs", at);
  const detail = "A quota is used up: 120 runs";
  expect(describeProblem(error)).toEqual({ text: `The server asks you to wait. Try again at ${time}.`, detail });
  const text = `The server asks you to wait. Retrying automatically at ${time}.`;
  expect(describeRetry(error)).toEqual({ text, detail, isWait: true });
  expect(describeRetry(new ApiError(503, null, "", null))).not.toHaveProperty("isWait");
});

it("a disabled account is said once, in the reader's language", () => {
  const refused = "Not allowed: This account is disabled. Ask an administrator.";
  const { text, detail } = describeProblem(new ApiError(403, "forbidden", refused));
  expect(text).toBe("This account is disabled. Contact an admin.");
  expect(detail).toBeNull();
});
