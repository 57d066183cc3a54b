import { describe, expect, it } from "vitest";
import { pictureType, readText } from "./file-content.ts";

describe("the content of a file", () => {
  it("is text where it is UTF-8 without NUL", () => {
    const bytes = new TextEncoder().encode("好 day\n");
    expect(readText(bytes, true)).toBe("好 day\n");
    expect(readText(new Uint8Array([0x61, 0, 0x62]), true)).toBe(null);
    expect(readText(new Uint8Array([0xff, 0xfe, 0x41]), true)).toBe(null);
  });

  it("may be cut within a character where only a part of the file was read", () => {
    const bytes = new TextEncoder().encode("a好").subarray(0, 3);
    expect(readText(bytes, false)).toBe("a");
    expect(readText(bytes, true)).toBe(null);
  });

  it("is an image by the file's name, and SVG is text", () => {
    expect(["a.PNG", "b.jpeg", "c.svg", "png"].map(pictureType)).toEqual([
      "image/png",
      "image/jpeg",
      null,
      "image/png",
    ]);
  });
});
