import { expect, it } from "vitest";
import { databaseSize, noteSize } from "./size.ts";

it("is unknown until D1 has said it, then the newest that it said, and filling from 70 % on", () => {
  noteSize(undefined);
  noteSize({});
  noteSize({ size_after: 0 });
  expect(databaseSize(1_000)).toBeNull();
  noteSize({ size_after: 699 }, 5);
  expect(databaseSize(1_000)).toEqual({ bytes: 699, limit_bytes: 1_000, share: 0.699, is_filling: false, at: 5 });
  noteSize({}, 6);
  noteSize({ size_after: 700 }, 7);
  expect(databaseSize(1_000)).toMatchObject({ share: 0.7, is_filling: true, at: 7 });
  for (const [bytes, share] of [
    [1_000, 1],
    [1_030, 1.03],
  ] as const) {
    noteSize({ size_after: bytes }, 8);
    expect(databaseSize(1_000)).toMatchObject({ share, is_filling: true, at: 8 });
  }
});
