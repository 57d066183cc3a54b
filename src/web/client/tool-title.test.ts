import { describe, expect, it } from "vitest";
import { describeCall } from "./tool-title.ts";

describe("the title of a call", () => {
  it.each(["command", "path", "url", "query", "from"])("has what the call is about: %s", (key) => {
    expect(describeCall("f", JSON.stringify({ other: 1, [key]: "this" }))).toEqual({ verb: "f", subject: "this" });
    expect(describeCall("f", `{"${key}": "this", "text": "arriv`)).toEqual({ verb: "f", subject: "this" });
  });

  it("has what a search looks for, not where", () => {
    const { subject } = describeCall("search_files", JSON.stringify({ path: "src", pattern: "cart" }));
    expect(subject).toBe("cart");
  });
});
