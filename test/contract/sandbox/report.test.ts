import { expect, it } from "vitest";
import { describeOutcomes } from "./report.ts";

it("outcomes are counted by part, with the first line of each failure", () => {
  const test = (part: string, title: string, status: string, ...failureMessages: string[]) => ({
    ...{ ancestorTitles: ["a Daytona", part, "a thing"], title, status, failureMessages },
  });
  const { table, failures, failed } = describeOutcomes([
    test("life", "begins", "passed"),
    test("life", "ends", "failed", "Error: it stays\n    at a line"),
    test("git", "pulls", "skipped"),
  ]);
  expect(table.split("\n").slice(2)).toEqual(["| life | 1 | 1 | 0 |", "| git | 0 | 0 | 1 |", "| all | 1 | 1 | 1 |"]);
  expect([failures, failed]).toEqual(["- life: a thing: ends (Error: it stays)", 1]);
});
