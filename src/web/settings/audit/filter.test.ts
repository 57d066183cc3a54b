import { describe, expect, it } from "vitest";
import { pathOf } from "./filter.ts";

const none = { whose: "", action: "", since: "", until: "" };

describe("the filter of the audit", () => {
  it("asks for nothing that was not chosen", () => {
    expect(pathOf(none)).toBe("/v1/audit?limit=50");
    expect(pathOf({ ...none, since: "2026-1", until: "soon" })).toBe("/v1/audit?limit=50");
  });

  it("asks for whole days of the person's calendar", () => {
    const query = new URLSearchParams(pathOf({ ...none, since: "2026-01-31", until: "2026-01-31" }).split("?")[1]);
    expect(query.get("since")).toBe(new Date(2026, 0, 31).toISOString());
    expect(query.get("until")).toBe(new Date(2026, 1, 1).toISOString());
  });

  it("names a user and an action", () => {
    expect(pathOf({ ...none, whose: "user_ada", action: "api_key.delete" })).toBe(
      "/v1/audit?limit=50&user_id=user_ada&action=api_key.delete",
    );
  });
});
