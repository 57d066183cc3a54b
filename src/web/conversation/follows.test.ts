import { describe, expect, it } from "vitest";
import { followsAfter } from "./follows.ts";

const byPerson = { isByPerson: true, page: 600 };
const byItself = { isByPerson: false, page: 600 };

describe("following the end of a conversation", () => {
  it("stops when the reader scrolls up, however little, so that new text does not pull a slow reader down", () => {
    expect(followsAfter(true, { left: 12, moved: -12, ...byPerson })).toBe(false);
    expect(followsAfter(false, { left: 30, moved: -18, ...byPerson })).toBe(false);
  });

  it("stops at a move up by more than a page, whoever caused it", () => {
    expect(followsAfter(true, { left: 5_000, moved: -4_000, ...byItself })).toBe(false);
  });

  it("continues while text grows below or shrinks, and while rows turn out smaller than estimated", () => {
    expect(followsAfter(true, { left: 400, moved: 0, ...byItself })).toBe(true);
    expect(followsAfter(true, { left: 0, moved: -300, ...byItself })).toBe(true);
    expect(followsAfter(true, { left: 500, moved: -300, ...byItself })).toBe(true);
  });

  it("resumes when the reader scrolls down to the end, and only then", () => {
    expect(followsAfter(false, { left: 60, moved: 20, ...byPerson })).toBe(true);
    expect(followsAfter(false, { left: 600, moved: 20, ...byPerson })).toBe(false);
    expect(followsAfter(false, { left: 60, moved: 0, ...byPerson })).toBe(false);
  });
});
