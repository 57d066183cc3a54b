import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader } from "./sse.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("FrameReader", () => {
  it("reads frames, skips comments, and keeps the retry time", () => {
    const reading = new FrameReader().read(encode('retry: 1000\n\nid: 7\ndata: {"a":1}\n\n: ping\n\ndata: {}\n\n'));
    expect(reading).toEqual({
      retryMs: 1000,
      frames: [
        { id: "7", data: '{"a":1}' },
        { id: null, data: "{}" },
      ],
    });
  });

  it("refuses a frame without an end", () => {
    const reader = new FrameReader();
    const mebibyte = encode("x".repeat(1024 * 1024));
    reader.read(encode("data: "));
    expect(() => {
      for (let count = 0; count <= 16; count++) reader.read(mebibyte);
    }).toThrow(/exceeded/);
  });

  it("reads the same frames however the bytes are split", () => {
    const bytes = encode('id: 1\ndata: {"text":"电商 🛒"}\n\nid: 2\ndata: two\ndata: lines\n\n');
    const whole = new FrameReader().read(bytes).frames;
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const reader = new FrameReader();
        const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
        const frames = places.slice(1).flatMap((to, index) => reader.read(bytes.slice(places[index], to)).frames);
        expect(frames).toEqual(whole);
      }),
    );
    expect(whole[1]?.data).toBe("two\nlines");
  });
});
