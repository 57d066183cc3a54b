import { describe, expect, it } from "vitest";
import { groupByDay } from "./groups.ts";

const now = new Date(2026, 10, 26, 0, 30);
const at = (...date: [number, number, number, number]) => ({ created_at: new Date(...date).toISOString() });

describe("groupByDay", () => {
  it("goes by the calendar: half an hour after midnight, an hour ago was yesterday", () => {
    const rows = [
      at(2026, 10, 26, 0),
      at(2026, 10, 25, 23),
      at(2026, 10, 24, 23),
      at(2026, 10, 19, 0),
      at(2026, 10, 18, 23),
    ];
    expect(groupByDay(rows, now)).toEqual([
      { span: "today", rows: [rows[0]] },
      { span: "yesterday", rows: [rows[1]] },
      { span: "week", rows: [rows[2], rows[3]] },
      { span: "older", rows: [rows[4]] },
    ]);
  });

  it("puts the newest first, and leaves empty groups out", () => {
    const [early, late] = [at(2026, 9, 1, 8), at(2026, 9, 2, 8)];
    expect(groupByDay([early, late], now)).toEqual([{ span: "older", rows: [late, early] }]);
    expect(groupByDay([], now)).toEqual([]);
  });

  it("puts a time ahead of this clock under today", () => {
    expect(groupByDay([at(2026, 10, 27, 3)], now)).toMatchObject([{ span: "today" }]);
  });
});
