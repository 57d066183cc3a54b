import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor, readPosition } from "./page.ts";

describe("a cursor", () => {
  it("holds any position and is safe in a URL", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (created_at, id) => {
        const position = [created_at, id].map((text) => text.toWellFormed());
        const cursor = encodeCursor(position);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(readPosition(cursor)).toEqual({ ok: true, value: position });
      }),
    );
  });

  it("is refused if its items differ from the list's, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { ok } = decodeCursor(text, [0, "", 0]);
        expect(ok).toBe(false);
      }),
    );
    expect(decodeCursor(encodeCursor([1]), [""])).toMatchObject({ error: { code: "bad_cursor" } });
    expect(decodeCursor(encodeCursor(["a", "b"]), [""])).toMatchObject({ error: { code: "bad_cursor" } });
  });
});
