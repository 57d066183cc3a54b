import { describe, expect, it } from "vitest";
import { boundWidth, kindOf, maxWidthOf, readWidths, widthAfter, widthOf } from "./panel-width.ts";

const usual = { list: null, view: null };

describe("the workspace's width", () => {
  it("is 380 px for lists, and more for what needs room", () => {
    expect(widthOf(kindOf("plan"), usual, 1440)).toBe(380);
    expect(widthOf(kindOf("activity"), usual, 1440)).toBe(380);
    for (const tab of ["terminal", "files", "preview"] as const) expect(widthOf(kindOf(tab), usual, 1440)).toBe(634);
  });

  it("leaves the conversation 360 px beside the list, on a smaller screen too", () => {
    expect(maxWidthOf(1280)).toBe(656);
    expect(boundWidth(5_000, 1280)).toBe(656);
    expect(boundWidth(1, 1280)).toBe(320);
    expect(widthOf("view", { list: null, view: 900 }, 1280)).toBe(656);
    expect(widthOf("view", { list: null, view: 900 }, 1920)).toBe(900);
  });

  it("follows the arrows as they point, in both reading directions", () => {
    const at = { viewport: 1440, isRtl: false, isLarge: false };
    expect(widthAfter("ArrowLeft", 400, at)).toBe(416);
    expect(widthAfter("ArrowRight", 400, at)).toBe(384);
    expect(widthAfter("ArrowLeft", 400, { ...at, isRtl: true })).toBe(384);
    expect(widthAfter("ArrowRight", 400, { ...at, isLarge: true })).toBe(336);
    expect(widthAfter("ArrowRight", 325, at)).toBe(320);
  });

  it("has its ends at Home and End, and leaves other keys alone", () => {
    const at = { viewport: 1440, isRtl: false, isLarge: false };
    expect(widthAfter("Home", 400, at)).toBe(320);
    expect(widthAfter("End", 400, at)).toBe(816);
    expect(widthAfter("Tab", 400, at)).toBeNull();
  });

  it.each([null, "", "null", "[]", "{", '{"list":"wide","view":-4}', '{"list":1e9,"view":null}'])(
    "is the usual one where %j is stored",
    (text) => {
      expect(readWidths(text)).toEqual(usual);
    },
  );

  it("is the stored one", () => {
    expect(readWidths('{"list":420,"view":700.5}')).toEqual({ list: 420, view: 700.5 });
  });
});
