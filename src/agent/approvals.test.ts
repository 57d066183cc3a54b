import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listCommands, listPaths, matchesPattern, needsApproval } from "./approvals.ts";

const asks = (pattern: string, command: string) =>
  needsApproval({ execute_command: [pattern] }, "execute_command", listCommands(command));

describe("a pattern", () => {
  it.each([
    ["rm *", "rm -rf build", true],
    ["rm *", "rm", true],
    ["rm *", "rmdir build", false],
    ["rm *", "npm run build", false],
    ["*", "", true],
    ["git push*", "git  push   --force", true],
    ["?oo", "foo", true],
    ["?oo", "fooo", false],
    ["*.env", "config/.env", true],
    ["a*b*c", "aXbXbYc", true],
    ["a*b*c", "aXbXbY", false],
    ["a.c", "abc", false],
    ["[x]", "x", false],
  ])("%j on %j: %s", (pattern, subject, matches) => {
    expect(matchesPattern(pattern, subject)).toBe(matches);
  });

  it("is read as a regular expression would read it, whatever stands in both", () => {
    const sign = fc.constantFrom("a", "b", "*", "?", ".", "\\");
    const texts = fc.string({ unit: sign, maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, (pattern, text) => {
        const quoted = pattern.replace(/[.\\]/g, "\\$&").replaceAll("*", "[^]*").replaceAll("?", "[^]");
        expect(matchesPattern(pattern, text)).toBe(new RegExp(`^${quoted}$`).test(text));
      }),
    );
  });

  it("holds for its own tool only", () => {
    expect(needsApproval({ create_file: ["*"] }, "execute_command", ["rm x"])).toBe(false);
    expect(needsApproval({}, "constructor", ["x"])).toBe(false);
  });
});

describe("a command that needs approval", () => {
  it.each([
    "rm x",
    "cd build && rm -rf x",
    "ls; rm x",
    "ls\nrm x",
    "true | rm x",
    "sleep 1 & rm x",
    "echo $(rm x)",
    "echo `rm x`",
    "(rm x)",
    "{ rm x; }",
    "sudo rm x",
    "sudo -n rm x",
    "/bin/rm x",
    "\\rm x",
    "r\\m x",
    "'rm' x",
    'r"m" x',
    "FORCE=1 rm x",
    "env A=b C=d /usr/bin/rm x",
    "timeout 5s nice rm x",
    "find . -name y | xargs -0 rm x",
    'bash -c "rm x"',
    "sh -c 'cd y && rm x'",
    "if true; then rm x; fi",
    "rm\tx",
    "rm$" + "{IFS}x",
    "r\\\nm x",
    "rm \\\n  x",
    "! rm x",
  ])("%j by rm *", (command) => {
    expect(asks("rm *", command)).toBe(true);
  });

  it.each(["npm run rm", "cat form.txt", "git commit -m rm", "ls rm x", "./farm x", "echo alarm"])(
    "is not %j",
    (command) => {
      expect(asks("rm *", command)).toBe(false);
    },
  );

  it("is any that is too long to be looked through", () => {
    expect(asks("rm *", `echo ${"x".repeat(30_000)}`)).toBe(true);
  });

  it("is found among anything else that is on the line", () => {
    const around = fc.string({
      unit: fc.constantFrom("a", " ", ";", "$", "(", ")", "'", '"', "\\", "\n"),
      maxLength: 20,
    });
    fc.assert(fc.property(around, (text) => asks("rm *", `${text}\n;rm x`)));
  });
});

describe("a path", () => {
  it("is held against patterns as it is written, and without detours", () => {
    expect(listPaths("./a/../.env")).toEqual(["./a/../.env", ".env"]);
    expect(listPaths("/a//b/./c", "../x")).toEqual(["/a//b/./c", "/a/b/c", "../x"]);
  });
});
