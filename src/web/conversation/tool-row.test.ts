import { describe, expect, it } from "vitest";
import { readOutcome } from "./tool-row.tsx";

describe("the outcome of a call", () => {
  it.each([
    ["a command that ended well", { result: "exit_code: 0\nok", open: false }, { state: "done", exitCode: "0" }],
    ["a command that failed", { result: "exit_code: 2\n", open: false }, { state: "failed", exitCode: "2" }],
    ["an error", { result: "Error: no such file", open: false }, { state: "failed", exitCode: null }],
    ["a result", { result: "Wrote a.txt (3 bytes).", open: false }, { state: "done", exitCode: null }],
    ["a call that is being made", { result: null, open: true }, { state: "open", exitCode: null }],
    ["a call that waits for a person", { result: null, open: false }, { state: "left", exitCode: null }],
  ])("is read of %s", (_what, item, outcome) => {
    expect(readOutcome(item)).toEqual(outcome);
  });
});
