import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentConfig } from "./agent.ts";
import { readApprovals } from "./approvals.ts";

const tools = ["execute_command", "delete_file"];

type Written = Parameters<typeof readApprovals>[0];

describe("readApprovals", () => {
  it.each<[string, Written]>([
    ["patterns by tool", { execute_command: ["rm *"], delete_file: ["*"] }],
    ["one pattern for a list of one", { execute_command: "rm *", delete_file: "*" }],
    ["a list of calls as text", ["execute_command: rm *", "delete_file"]],
    ["a list of calls", [{ tool: "execute_command", pattern: "rm *" }, { tool: "delete_file" }]],
    [
      "a mixed list with blanks and repeats",
      [" execute_command :rm * ", "execute_command: rm *", { tool: "delete_file" }],
    ],
  ])("understands %s", (_name, written) => {
    expect(readApprovals(written, tools)).toEqual({
      ok: true,
      value: { execute_command: ["rm *"], delete_file: ["*"] },
    });
  });

  it("splits a text at its first colon only, and keeps patterns by tool as they are written", () => {
    expect(readApprovals(["execute_command: curl http://x:1"], tools)).toMatchObject({
      value: { execute_command: ["curl http://x:1"] },
    });
    expect(readApprovals({ execute_command: " a: b " }, tools)).toMatchObject({
      value: { execute_command: [" a: b "] },
    });
  });

  it.each<[string, Written, (string | number)[], RegExp]>([
    ["an unknown tool", { delete_file: "*", pick_color: "*" }, ["pick_color"], /no tool "pick_color".*execute_command/],
    ["an unknown tool in a list", ["delete_file", "rm *"], [1], /no tool "rm \*"/],
    ["a name that every object has", ["constructor", "toString"], [0], /no tool "constructor"/],
    ["a tool without patterns", { execute_command: [] }, ["execute_command"], /no pattern/],
    [
      "a pattern of white space, which fits nothing",
      { execute_command: ["rm *", " \n"] },
      ["execute_command"],
      /no pattern/,
    ],
    ["nothing behind the colon", ["execute_command: "], [0], /no pattern/],
    ["a pattern that is too long", [`execute_command: ${"x".repeat(501)}`], [0], /longer than 500/],
    ["a lone surrogate", ["execute_command: \ud800"], [0], /surrogate/],
    ["too many", { execute_command: Array.from({ length: 101 }, (_, at) => `${at}`) }, ["execute_command"], /100/],
  ])("refuses %s and says where", (_name, written, path, message) => {
    expect(readApprovals(written, tools)).toMatchObject({ ok: false, path, message: expect.stringMatching(message) });
  });

  it("counts patterns of all tools together, without repeats", () => {
    const many = Array.from({ length: 50 }, (_, at) => `${at}`);
    expect(readApprovals({ execute_command: [...many, ...many], delete_file: many }, tools).ok).toBe(true);
    expect(readApprovals({ execute_command: many, delete_file: [...many, "more"] }, tools).ok).toBe(false);
  });

  it("returns only what can be stored, and parses it to the same value again", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const tool = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...tools) }, { weight: 1, arbitrary: text });
    const written: fc.Arbitrary<Written> = fc.oneof(
      fc.dictionary(tool, fc.oneof(text, fc.array(text, { maxLength: 3 }))),
      fc.array(fc.oneof(tool, fc.record({ tool, pattern: text }, { requiredKeys: ["tool"] })), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(written, (given) => {
        const read = readApprovals(given, tools);
        if (!read.ok) return;
        expect(agentConfig.shape.approvals.parse(read.value)).toEqual(read.value);
        expect(readApprovals(read.value, tools)).toEqual(read);
      }),
    );
  });
});
