import { describe, expect, it } from "vitest";
import { pickEvidence } from "./evidence.ts";

const passing = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `ok ${from + at} - adds ${at} and ${at} without an error`).join("\n");

describe("what a model reads of a failed check's output", () => {
  it("has the failing line of a log of 64 KiB, with what follows it, and the totals", () => {
    for (const [before, after] of [
      [20, 1_200],
      [600, 600],
      [1_200, 20],
    ] as const) {
      const log = `${passing(before)}\nnot ok ${before} - total of two lines\n  got 7, wanted 13\n${passing(after, before)}\n1 failed`;
      const [head, tail] = log.length > 65_536 ? [log.slice(0, 32_768), log.slice(-32_768)] : [log, ""];
      const shown = pickEvidence(head, tail);
      expect(shown).toEqual(expect.arrayContaining([`not ok ${before} - total of two lines`, "  got 7, wanted 13"]));
      expect(shown.at(-1)).toBe("1 failed");
      expect(shown.join("\n").length).toBeLessThan(1_300);
    }
  });

  it("keeps a short output whole, and of a long line its beginning", () => {
    expect(pickEvidence("one\n\n\u001b[31mtwo\u001b[0m\r\n", "")).toEqual(["one", "two"]);
    expect(pickEvidence("x".repeat(9_000), "")).toEqual([`${"x".repeat(200)}…`]);
    expect(pickEvidence("", "")).toEqual([]);
  });

  it("marks what is left out, also between the head and the tail", () => {
    expect(pickEvidence(passing(30), passing(30, 900)).at(0)).toBe("…");
    expect(pickEvidence("AssertionError: 1 != 2", "the end")).toEqual(["AssertionError: 1 != 2", "…", "the end"]);
  });

  it("shows the first failures and not hundreds of them", () => {
    const log = Array.from({ length: 500 }, (_, at) => `FAIL case ${at}: ${"y".repeat(90)}`).join("\n");
    const shown = pickEvidence(log, "");
    expect(shown[0]).toContain("FAIL case 0");
    expect(shown.join("\n").length).toBeLessThan(1_300);
  });
});
