import { describe, expect, it } from "vitest";
import type { CheckInput } from "../../protocol/plan/check.ts";
import { handOf, makeChecks } from "./make.ts";
import { canonicalSpec, commandsOf, isSameSpec } from "./spec.ts";

const hand = handOf("model", { makeCheckId: () => "check_1" });

function made(input: unknown): CheckInput {
  const outcome = makeChecks([input], hand);
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.checks[0]?.spec as CheckInput;
}

function refused(input: unknown): string {
  const outcome = makeChecks([input], hand);
  if (outcome.ok) throw new Error("was accepted");
  return outcome.message;
}

it("makes no check a person's that can't fail, if the person has only agreed to it", () => {
  const specs = [
    { type: "command", run: "npm test || true" },
    { type: "command", run: "npm test" },
  ];
  const authors = (agrees: boolean) => {
    const made = makeChecks(specs, handOf("person", { agrees }));
    return made.ok ? made.checks.map(({ author }) => author) : made.message;
  };
  expect(authors(true)).toEqual(["model", "person"]);
  expect(authors(false)).toEqual(["person", "person"]);
});

describe("makeChecks", () => {
  it("keeps what was written, with an id and an author", () => {
    const spec = { type: "command", run: "npm test", exit_code: 0, contains: "0 failed", protected: ["test/a.ts"] };
    expect(makeChecks([spec], hand)).toEqual({ ok: true, checks: [{ id: "check_1", author: "model", spec }] });
  });

  it.each([
    [
      { type: "command", run: "  npm test\n" },
      { type: "command", run: "npm test" },
    ],
    [
      { type: "file", path: " ./shop//a.js " },
      { type: "file", path: "shop//a.js" },
    ],
    [
      { type: "file", path: "./" },
      { type: "file", path: "./" },
    ],
    [
      { type: "http", port: 3000, path: "api" },
      { type: "http", port: 3000, path: "/api" },
    ],
    [
      { type: "command", run: "x", protected: ["./a", "a"] },
      { type: "command", run: "x", protected: ["a"] },
    ],
  ])("cleans %j", (input, spec) => {
    expect(made(input)).toEqual(spec);
  });

  it.each([
    ["no type", { run: "x" }, "The types are command, file, http, git, person"],
    ["a type that is none", { type: "sql", run: "x" }, "The types are"],
    ["an empty command", { type: "command", run: " " }, "its command is empty"],
    ["a field of another type", { type: "file", path: "a", run: "x" }, '"path":"shop/server.js"'],
    ["a file outside of the project", { type: "file", path: "a/../../b" }, '"a/../../b" is outside'],
    ["somebody's home", { type: "file", path: "~/.ssh/id" }, "is outside"],
    ["a protected file outside", { type: "command", run: "x", protected: ["../x"] }, '"../x" is outside'],
    ["no port and no url", { type: "http" }, "either port or url"],
    ["both", { type: "http", port: 1, url: "https://example.com" }, "either port or url"],
    ["start with url", { type: "http", url: "https://example.com", start: { run: "x" } }, "start goes with port"],
    ["path with url", { type: "http", url: "https://example.com", path: "/a" }, "path goes with port"],
    ["a private address", { type: "http", url: "http://10.0.0.1/a" }, "give port and path"],
    ["a password in an address", { type: "http", url: "https://a:b@example.com/" }, "password"],
    ["a path with a space", { type: "http", port: 1, path: "/a b" }, "no path of an address"],
    ["git without a condition", { type: "git" }, "clean, branch or pushed"],
    ["a file that is absent and has text", { type: "file", path: "a", exists: false, contains: "x" }, "can't have"],
    ["sizes the wrong way round", { type: "file", path: "a", min_bytes: 2, max_bytes: 1 }, "min_bytes"],
    [
      "a broken pattern",
      { type: "file", path: "a", matches: "(" },
      "matches has a ( without its ); write a \\ before each",
    ],
    ["a backreference", { type: "file", path: "a", matches: "(a)\\1" }, "refers back"],
  ])("refuses %s, names the check and shows a form", (_, input, reason) => {
    const message = refused(input);
    expect(message).toContain(reason);
    expect(message).toMatch(/^Check 1, \{.*\}, was not added: .*looks like \{"type":/);
    expect(message.length).toBeLessThan(900);
  });
});

describe("isSameSpec", () => {
  const pairs: [boolean, CheckInput, CheckInput][] = [
    [true, { type: "command", run: "a" }, { exit_code: 0, run: "a", type: "command" }],
    [true, { type: "http", port: 1 }, { type: "http", port: 1, path: "/", status: 200 }],
    [true, { type: "file", path: "a" }, { type: "file", path: "a", exists: true }],
    [true, { type: "git", pushed: true }, { type: "git", clean: false, pushed: true }],
    [false, { type: "command", run: "a" }, { type: "command", run: "b" }],
    [false, { type: "command", run: "a" }, { type: "command", run: "a", exit_code: 1 }],
    [false, { type: "command", run: "a" }, { type: "command", run: "a", protected: ["t"] }],
  ];
  it.each(pairs)("is %s for %j and %j", (same, one, other) => {
    expect(isSameSpec(one, other)).toBe(same);
    expect(canonicalSpec(one) === canonicalSpec(other)).toBe(same);
  });
});

it("commandsOf names what the server runs", () => {
  expect(commandsOf({ type: "command", run: "a" })).toEqual(["a"]);
  expect(commandsOf({ type: "http", port: 1, start: { run: "b" } })).toEqual(["b"]);
  expect(commandsOf({ type: "http", port: 1 })).toEqual([]);
  expect(commandsOf({ type: "file", path: "a" })).toEqual([]);
});
