import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inPieces, newTextOwner, rememberedBytes } from "./text-pieces.ts";

const PIECE = 32 * 1024;

describe("a text in pieces", () => {
  it("is the whole text, in pieces of a bounded length that split no surrogate pair", () => {
    const anyText = fc.tuple(fc.nat(3), fc.constantFrom("a", "词", "🛒", "x🛒"), fc.nat(120_000));
    void fc.assert(
      fc.property(anyText, ([offset, unit, length]) => {
        const text = "-".repeat(offset) + unit.repeat(length);
        const pieces = [...inPieces(newTextOwner(), () => text)];
        expect(pieces.join("") === text).toBe(true);
        expect(pieces.every((piece) => piece.length <= PIECE && piece.isWellFormed())).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("is made once for readers side by side, and again for a reader that comes much later", () => {
    const owner = newTextOwner();
    let made = 0;
    const make = (): string => {
      made += 1;
      return "t".repeat(100_000);
    };
    const readers = Array.from({ length: 5 }, () => inPieces(`${owner}text`, make));
    for (const reader of readers) reader.next();
    expect(made).toBe(1);
    for (let other = 0; other < 50; other++) inPieces(`${owner}${other}`, () => "o".repeat(100_000)).next();
    for (const reader of readers) expect([...reader].join("").length).toBe(100_000 - PIECE);
    expect(made).toBe(2);
  });

  it("is cached within 4 MiB, however many there are; a longer one is cached alone while it is read", () => {
    const owner = newTextOwner();
    for (let count = 0; count < 100; count++) inPieces(`${owner}${count}`, () => "m".repeat(150_000)).next();
    expect(rememberedBytes()).toBeLessThanOrEqual(4 * 1024 * 1024);
    let made = 0;
    const long = inPieces(`${owner}long`, () => {
      made += 1;
      return "l".repeat(5_000_000);
    });
    expect([...long].join("").length).toBe(5_000_000);
    expect([made, rememberedBytes()]).toEqual([1, 5_000_000]);
    inPieces(`${owner}next`, () => "n".repeat(150_000)).next();
    expect(rememberedBytes()).toBe(150_000);
  });
});
