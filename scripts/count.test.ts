import { describe, expect, it } from "vitest";
import { countReport } from "./count.ts";

const report = (passed: number, failed: number) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numTotalTests: passed + failed });

describe("countReport", () => {
  it("takes the numbers of the report", () => {
    expect(countReport(report(7, 2), 1)).toEqual({ passed: 7, failed: 2 });
    expect(countReport(report(7, 0), 0)).toEqual({ passed: 7, failed: 0 });
  });

  it("counts a run that broke without a failing test as a failure", () => {
    expect(countReport(report(7, 0), 1)).toEqual({ passed: 7, failed: 1 });
    expect(countReport("", 1)).toEqual({ passed: 0, failed: 1 });
    expect(countReport('{"numPassed', 134)).toEqual({ passed: 0, failed: 1 });
  });

  it("counts a run without any test as a failure", () => {
    expect(countReport(report(0, 0), 0)).toEqual({ passed: 0, failed: 1 });
    expect(countReport("", 0)).toEqual({ passed: 0, failed: 1 });
    expect(countReport("null", 0)).toEqual({ passed: 0, failed: 1 });
  });
});
