import { describe, expect, it } from "vitest";
import { followsAfter } from "./follows.ts";

describe("the end of a conversation", () => {
  it("is left by going up, however little, so that new text does not pull a slow reader down", () => {
    expect(followsAfter(true, { left: 12, moved: -12 })).toBe(false);
    expect(followsAfter(false, { left: 30, moved: -18 })).toBe(false);
  });

  it("is followed while text grows below or shrinks", () => {
    expect(followsAfter(true, { left: 400, moved: 0 })).toBe(true);
    expect(followsAfter(true, { left: 0, moved: -300 })).toBe(true);
  });

  it("is followed again by who comes down to it, and only then", () => {
    expect(followsAfter(false, { left: 60, moved: 20 })).toBe(true);
    expect(followsAfter(false, { left: 600, moved: 20 })).toBe(false);
    expect(followsAfter(false, { left: 60, moved: 0 })).toBe(false);
  });
});
