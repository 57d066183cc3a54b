import { describe, expect, it } from "vitest";
import { readSection } from "./sections.ts";

describe("readSection", () => {
  it("knows each section by its name, and leads to the first from anywhere else", () => {
    expect(readSection("usage")).toBe("usage");
    expect(readSection("toString")).toBe("keys");
    expect(readSection("")).toBe("keys");
  });
});
