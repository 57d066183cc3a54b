import { describe, expect, it } from "vitest";
import { ApiError } from "../../client/api.ts";
import { findMissing } from "./missing.ts";

describe("findMissing", () => {
  it("is what the server names", () => {
    const detail = "The server is not set up: Slack is not set up: set SLACK_CLIENT_ID, ENCRYPTION_KEY.";
    expect(findMissing(new ApiError(503, "not_configured", detail))).toEqual(["SLACK_CLIENT_ID", "ENCRYPTION_KEY"]);
  });

  it("is everything that Slack needs where the server names none", () => {
    expect(findMissing(new ApiError(503, "not_configured", "no"))).toHaveLength(4);
  });

  it("is null where something else went wrong", () => {
    expect(findMissing(new ApiError(500, "internal", "SLACK_CLIENT_ID"))).toBeNull();
    expect(findMissing(new TypeError("offline"))).toBeNull();
  });
});
