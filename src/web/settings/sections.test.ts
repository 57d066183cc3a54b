import { describe, expect, it } from "vitest";
import { readSection } from "./sections.ts";

describe("readSection", () => {
  it("reads each section by its name, and the first for any other text", () => {
    expect(readSection("usage")).toBe("usage");
    expect(readSection("toString")).toBe("keys");
    expect(readSection("")).toBe("keys");
  });
});
