import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { LiveOutput } from "./live-output.ts";

function watch(limit: number) {
  const shown: { stream: string; text: string }[] = [];
  const live = new LiveOutput((stream, text) => shown.push({ stream, text }), limit);
  const read = (pieces: (readonly ["stdout" | "stderr", string])[], mayGrow = true) => {
    live.rewind();
    for (const [stream, text] of pieces) live.push(stream, text);
    live.flush(mayGrow);
  };
  return { shown, read, text: () => shown.map(({ text }) => text).join("") };
}

describe("LiveOutput", () => {
  it("shows each character of a growing log once", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { maxLength: 12 }), (parts) => {
        const { read, text } = watch(100_000);
        for (let length = 0; length <= parts.length; length++) {
          read(
            parts.slice(0, length).map((part) => ["stdout", part]),
            length < parts.length,
          );
        }
        expect(text()).toBe(parts.join(""));
      }),
    );
  });

  it("holds back an incomplete character until the rest arrives", () => {
    const { read, shown } = watch(100);
    read([["stdout", "价\ufffd"]]);
    read([["stdout", "价格"]], false);
    expect(shown).toEqual([
      { stream: "stdout", text: "价" },
      { stream: "stdout", text: "格" },
    ]);
  });

  it("stops at its limit and reports that once", () => {
    const { read, shown } = watch(10);
    read([["stdout", "0123456"]]);
    read([["stdout", "0123456789abc"]]);
    read([["stdout", "0123456789abcdef"]], false);
    expect(shown.map(({ text }) => text)).toEqual(["0123456", "789", "\n[live output ends here]\n"]);
  });

  it("emits small pieces, and few of them for streams that alternate", () => {
    const { read, shown } = watch(1_000_000);
    read([["stdout", "x".repeat(50_000)]]);
    expect(Math.max(...shown.map(({ text }) => text.length))).toBeLessThanOrEqual(16_384);
    const other = watch(1_000_000);
    other.read(Array.from({ length: 500 }, (_, index) => [index % 2 ? "stderr" : "stdout", `${index}\n`]));
    expect(other.shown).toHaveLength(2);
  });
});

it("does not add up all pieces again for each", () => {
  const added = vi.spyOn(Array.prototype, "reduce");
  const { read, text } = watch(10_000);
  read(Array.from({ length: 1_000 }, (_, at) => [at % 2 === 0 ? "stdout" : "stderr", "x"] as const));
  expect([text().length, added.mock.calls.length]).toEqual([1_000, 0]);
  added.mockRestore();
});
