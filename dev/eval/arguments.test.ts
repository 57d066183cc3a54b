import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("the arguments of an evaluation", () => {
  it("default to every request once, with the configured model", () => {
    expect(readArguments([])).toMatchObject({
      model: null,
      tool_format: "native",
      repeat: 1,
      concurrency: 4,
      threshold: 0.9,
      record: null,
      replay: null,
    });
    expect(readArguments([]).requests).toHaveLength(30);
  });

  it("select requests by kind and by id, in their own order", () => {
    const { requests } = readArguments(["--only", "small-talk, research-2"]);
    expect(requests.map(({ id }) => id)).toEqual([
      "research-2",
      "small-talk-1",
      "small-talk-2",
      "small-talk-3",
      "small-talk-4",
      "small-talk-5",
    ]);
  });

  it("with --lies, name jobs and no requests", () => {
    expect(readArguments(["--lies", "--only", "lie, plain"])).toMatchObject({ lies: true, only: ["lie", "plain"] });
    expect(readArguments(["--lies", "--record", "a.json"])).toMatchObject({
      only: null,
      record: "a.json",
      requests: [],
    });
    expect(readArguments([]).lies).toBe(false);
  });

  it.each([
    [["--repeat", "21"], "--repeat must be a whole number from 1 to 20"],
    [["--repeat", "0"], "--repeat"],
    [["--repeat", "1e1"], "--repeat"],
    [["--concurrency", "17"], "--concurrency must be a whole number from 1 to 16"],
    [["--threshold", "1.5"], "--threshold must be a number from 0 to 1"],
    [["--threshold", "90%"], "--threshold"],
    [["--only", "poetry"], '--only names "poetry"'],
    [["--only", ""], "--only"],
    [["--model", " "], "--model must not be empty"],
    [["--tool-format", "yaml"], "--tool-format must be one of: native"],
    [["--record", "a", "--replay", "b"], "can't be combined"],
    [["--colour"], "--colour"],
    [["more"], "more"],
  ])("are rejected with a message: %s", (list, words) => {
    expect(() => readArguments(list)).toThrow(words);
  });
});
