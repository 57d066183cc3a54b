import { describe, expect, it } from "vitest";
import { formatBills, listExcess } from "./cost.ts";
import { type Bill, totalOf } from "./prices.ts";

const nothing: Bill = {
  ...{ worker_requests: 0, object_requests: 0, object_gb_s: 0, object_rows_written: 0, object_rows_read: 0 },
  ...{ d1_rows_written: 0, d1_rows_read: 0, queue_operations: 0, log_events: 0 },
};

describe("the bill", () => {
  it("prices a million of each unit as the list does", () => {
    const million = Object.fromEntries(Object.keys(nothing).map((name) => [name, 1_000_000])) as unknown as Bill;
    expect(totalOf(million)).toBeCloseTo(0.3 + 0.15 + 12.5 + 1 + 0.001 + 1 + 0.001 + 0.4 + 0.6);
    expect(totalOf(nothing)).toBe(0);
  });

  it("shows a row for what was done, with cents at its end", () => {
    const bill = { ...nothing, worker_requests: 1, object_gb_s: 1.312 };
    const row = formatBills([{ title: "turn", bill, sleeps: 0 }])
      .split("\n")
      .at(-1);
    expect(row).toBe("| turn | 1 | 0 | 1.3 | 0 | 0 | 0 | 0 | 0 | 0 | 0.0017 |");
  });

  it("names each unit of which more was used than is allowed", () => {
    const bill = { ...nothing, worker_requests: 2, log_events: 9 };
    expect(listExcess("wait", bill, { worker_requests: 1, object_requests: 0 })).toEqual([
      "wait: 2 Worker requests, at most 1",
    ]);
    expect(listExcess("wait", bill)).toEqual([]);
  });
});
