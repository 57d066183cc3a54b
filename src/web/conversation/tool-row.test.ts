import { describe, expect, it } from "vitest";
import { isMade, readOutcome, tellsMore } from "./tool-item.ts";

const failed = { state: "failed", exitCode: null };
const done = { state: "done", exitCode: null };

describe("the outcome of a call", () => {
  it.each([
    [
      "a command that ended well",
      { name: "execute_command", result: "exit_code: 0\nok", open: false },
      { state: "done", exitCode: "0" },
    ],
    [
      "a command that failed",
      { name: "execute_command", result: "exit_code: 2\n", open: false },
      { state: "failed", exitCode: "2" },
    ],
    ["an error", { name: "f", result: "Error: no such file", open: false }, failed],
    [
      "a call that a person declined",
      { name: "f", result: "declined: the person did not approve this call.", open: false },
      { ...failed, state: "declined" },
    ],
    [
      "a write that a person declined",
      { name: "create_file", result: "declined: the person did not approve this call.", open: false },
      { ...failed, state: "declined" },
    ],
    [
      "a call that was not made",
      { name: "f", result: "not executed: no.", open: false },
      { ...failed, state: "unmade" },
    ],
    [
      "a call that a person stopped",
      { name: "f", result: "cancelled: the person ended the run.", open: false },
      { ...failed, state: "stopped" },
    ],
    [
      "a call during which the server restarted",
      { name: "f", result: "interrupted: the server was restarted.", open: false },
      { ...failed, state: "unsure" },
    ],
    [
      "a question that nobody answered",
      { name: "ask", result: "The person did not answer this question.", open: false },
      { ...failed, state: "left" },
    ],
    ["a page about what was declined", { name: "fetch_url", result: "[3] declined: no.", open: false }, done],
    ["a result", { name: "f", result: "Anything.", open: false }, done],
    ["a file that was written", { name: "create_file", result: "Wrote a.txt (3 bytes).", open: false }, done],
    ["an edit", { name: "edit_file", result: "Edited a.txt (line 1).", open: false }, done],
    ["an edit that was refused", { name: "edit_file", result: "old_string was not found in a.", open: false }, failed],
    ["a file that is not there", { name: "move_file", result: "a does not exist.", open: false }, failed],
    ["a page that was read", { name: "fetch_url", result: "[3] https://a.example/\nFetched: …", open: false }, done],
    ["a page that was refused", { name: "fetch_url", result: "There is no page (404).", open: false }, failed],
    ["a search", { name: "web_search", result: '<web_content source="[1] a">\nA', open: false }, done],
    ["a search without results", { name: "web_search", result: "No results. Use fewer words.", open: false }, done],
    ["a search that failed", { name: "web_search", result: "The search did not answer.", open: false }, failed],
    ["a call that is being made", { name: "f", result: null, open: true }, { state: "open", exitCode: null }],
    ["a call that waits for a person", { name: "f", result: null, open: false }, { state: "left", exitCode: null }],
  ])("is read of %s", (_what, item, outcome) => {
    expect(readOutcome(item)).toEqual(outcome);
  });

  it.each([
    ["what succeeded", { name: "create_file", result: "Wrote a.txt (3 bytes).", open: false }, true],
    ["a command that ended, however", { name: "execute_command", result: "exit_code: 1\n", open: false }, true],
    [
      "no declined call",
      { name: "execute_command", result: "declined: the person did not approve this call.", open: false },
      false,
    ],
    ["no call that was not made", { name: "execute_command", result: "not executed: no.", open: false }, false],
    ["no write that was refused", { name: "create_file", result: "a.txt is a folder.", open: false }, false],
    ["no call that waits", { name: "create_file", result: null, open: false }, false],
  ])("claims to be made of %s", (_what, item, isClaimed) => {
    expect(isMade(readOutcome(item))).toBe(isClaimed);
  });

  it.each([
    ["nothing of a plain success", "edit_file", "Edited a.txt (line 1).", false],
    [
      "lines that are not what was asked for",
      "edit_file",
      "Edited a (line 1). It matched but for white space; …",
      true,
    ],
    ["the reason of a failure", "edit_file", "old_string was not found in a.", true],
  ])("adds %s to what an opened call shows", (_what, name, result, isTold) => {
    expect(tellsMore({ name, result, open: false })).toBe(isTold);
  });
});
