import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareFigures, listFigures, readFigures, writeFigures } from "./costs.ts";
import type { Costs } from "./count.ts";
import type { Cost } from "./counted-product.ts";

function costOf(value: number): Cost {
  return {
    object_statements: value,
    object_transactions: value,
    object_rows_written: value,
    object_rows_read: value,
    alarms: value,
    d1_trips: value,
    d1_statements: value,
    d1_rows_written: value,
    d1_rows_read: value,
    timers: value,
    requests: value,
    writes: value,
    jobs: value,
    log_lines: value,
    encoded_bytes: value,
    json_characters: value,
    parsed_characters: value,
  };
}

const costs: Costs = {
  first_turn: costOf(30),
  turn: costOf(20.125),
  step: costOf(10),
  token: costOf(0),
  modules: 1200,
  bundle_kib: 2000.2,
};

const document =
  "# Costs\n\n<!-- costs: written by `npm run check -- --record` -->\n\n<!-- end of costs -->\n\nMore.\n";

describe("the table of costs", () => {
  it("holds every figure that is written into it, and nothing beside it changes", () => {
    const written = writeFigures(document, listFigures(costs));
    expect(readFigures(written)).toEqual(listFigures(costs));
    expect(written).toMatch(/^# Costs\n\n/);
    expect(written).toMatch(/\n\nMore\.\n$/);
    expect(writeFigures(written, listFigures(costs))).toBe(written);
  });

  it("rounds what is counted, and rounds sizes up", () => {
    const figures = listFigures(costs);
    expect(figures.get("timers set, turn")).toBe(20.13);
    expect(figures.get("bundle, KiB")).toBe(2001);
  });

  it("is not found in a document without its marks", () => {
    expect(() => readFigures("# Costs\n")).toThrow("no table of costs");
  });

  it.each([
    ["an empty cell", "| timers set | 30 | 20.13 | 10 | 0 |", "| timers set | 30 | 20.13 | | 0 |", "no number"],
    ["a missing cell", "| timers set | 30 | 20.13 | 10 | 0 |", "| timers set | 30 | 20.13 | 10 |", "no number"],
    ["two rows of a name", "| timers set |", "| D1: trips |", "twice"],
  ])("is refused with %s", (_, from, to, message) => {
    const written = writeFigures(document, listFigures(costs));
    expect(written).toContain(from);
    expect(() => readFigures(written.replace(from, to))).toThrow(message);
  });

  it("is complete in docs/costs.md", async () => {
    const recorded = readFigures(await readFile(join(import.meta.dirname, "../../docs/costs.md"), "utf8"));
    expect([...recorded.keys()]).toEqual([...listFigures(costs).keys()]);
  });
});

describe("a comparison", () => {
  const recorded = listFigures(costs);
  const counted = (changes: Record<string, number>) => new Map([...recorded, ...Object.entries(changes)]);

  it("finds nothing where nothing changed", () => {
    expect(compareFigures(recorded, recorded)).toEqual({ worse: [], better: [] });
  });

  it("tells what is worse from what is better", () => {
    const { worse, better } = compareFigures(counted({ "timers set, token": 1, "timers set, step": 9 }), recorded);
    expect(worse).toEqual(["timers set, token: 1, recorded: 0"]);
    expect(better).toEqual(["timers set, step: 9, recorded: 10"]);
  });

  it("takes no message for worse that a collection of garbage had written anew, and two percent for worse", () => {
    const name = "characters written as JSON, token";
    const compare = (now: number) => compareFigures(new Map([[name, now]]), new Map([[name, 42.19]]));
    expect(compare(42.77)).toEqual({ worse: [], better: [] });
    expect(compare(43.2).worse).toHaveLength(1);
    expect(compare(41).better).toHaveLength(1);
  });

  it("takes a figure for worse that only one side has", () => {
    expect(compareFigures(counted({ "waits, token": 0 }), recorded).worse).toEqual([
      "waits, token: 0, recorded: nothing",
    ]);
    expect(compareFigures(recorded, counted({ "waits, token": 0 })).worse).toEqual([
      "waits, token: not counted, recorded: 0",
    ]);
  });
});
