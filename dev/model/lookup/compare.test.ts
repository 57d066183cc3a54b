import { describe, expect, it } from "vitest";
import { findCaveats, findDifferences, findMisquotes } from "./compare.ts";
import { readFacts, readStatements } from "./statements.ts";

const page = (n: number, text: string) => ({
  ...{ n, text, url: `https://a.example/${n}`, title: "A", date: null, fetched: "2026-11-27" },
});

function differ(one: string, other: string): boolean {
  return findDifferences([page(1, one), page(2, other)].flatMap(readFacts)).length > 0;
}

describe("two sources", () => {
  it.each([
    ["41 % work remotely at least two days a week.", "43 % of them work remotely at least two days a week."],
    [
      "Remote work saves 35 % of all desks, after 30 % in 2024.",
      "Remote work saves 31 % of the desks, after 30 % in 2024.",
    ],
    ["2025 年全国干茶产量为 361 万吨。", "去年全国干茶产量是 340 万吨。"],
    [
      "| Design | Reads of a row |\n|---|---|\n| SQLite with replicas | 4 ms |",
      "Reads of a row take SQLite with replicas 7 ms.",
    ],
  ])("disagree: %j and %j", (one, other) => {
    expect(differ(one, other)).toBe(true);
  });

  it.each([
    ["41 % work remotely at least two days a week.", "At least two days a week, 41 % work remotely."],
    ["41 % work remotely at least two days a week.", "The median commute takes 34 minutes each way."],
    ["The price of a million reads is $1,200.", "A million reads has the price of $1200."],
    ["Hours in meetings each week: 9.4 before, 6.1 after.", "Hours in meetings each week fell from 9.4 to 6.1."],
    ["Teams with 5 members meet 3 hours a week.", "Teams with 5 members meet on 2 days a week."],
  ])("do not disagree: %j and %j", (one, other) => {
    expect(differ(one, other)).toBe(false);
  });

  it("are not one that says two things", () => {
    const text = "41 % work remotely two days a week.\n\n43 % work remotely two days a week.";
    expect(findDifferences(readFacts(page(1, text)))).toEqual([]);
  });
});

describe("a source that refers to another", () => {
  const survey = page(1, "**37 %** meet often, and 1,234 % of 137 % others.");
  const quote = (figure: string, url = survey.url) => page(2, `The [survey](${url}) says that ${figure} meet often.`);

  it("is held to what that one says", () => {
    const of = (source: ReturnType<typeof quote>) =>
      findMisquotes(readFacts(source), [survey, source]).map(({ fact, source: { n }, figures }) => [
        fact.n,
        n,
        figures,
      ]);
    expect(of(quote("37 %"))).toEqual([]);
    expect(of(quote("39 %"))).toEqual([[2, 1, ["39 %"]]]);
    expect(of(quote("7 %"))).toEqual([[2, 1, ["7 %"]]]);
    expect(of(quote("234 %"))).toEqual([[2, 1, ["234 %"]]]);
    expect(of(quote("39 %", "https://b.example/"))).toEqual([]);
  });

  it("says itself what it can't be compared with", () => {
    const texts = findCaveats(
      readStatements(page(1, "It is warm. The margin of error is 2 %.\n\n两者口径不同，不能直接比较。")),
    );
    expect(texts.map(({ text }) => text)).toEqual(["The margin of error is 2 %.", "两者口径不同，不能直接比较。"]);
  });
});
