import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listCommands, listPaths, needsApproval } from "./approvals.ts";

const asks = (pattern: string, command: string) =>
  needsApproval({ execute_command: [pattern] }, "execute_command", listCommands(command));

const matchesPattern = (pattern: string, subject: string) => needsApproval({ tool: [pattern] }, "tool", [subject]);

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

  it("matches as the equivalent regular expression does, for any pattern and text", () => {
    const sign = fc.constantFrom("a", "b", "*", "?", ".", "\\");
    const texts = fc.string({ unit: sign, maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, (pattern, text) => {
        const quoted = pattern.replace(/[.\\]/g, "\\$&").replaceAll("*", "[^]*").replaceAll("?", "[^]");
        expect(matchesPattern(pattern, text)).toBe(new RegExp(`^${quoted}$`).test(text));
      }),
    );
  });

  it("applies to its own tool only", () => {
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
    "sudo -u root rm x",
    "sudo -u root -g wheel -- rm x",
    "timeout -s KILL 5 rm x",
    "env -u HOME -i A=b rm x",
    "xargs -n 1 -P 4 rm",
    "find . -name '*.log' -exec rm {} +",
    "find . -type f -execdir /bin/rm x \\;",
    "ls | parallel rm",
    "2>/dev/null rm x",
    "<list >>log rm x",
    "sh -c rm",
  ])("%j by rm *", (command) => {
    expect(asks("rm *", command)).toBe(true);
  });

  it.each([
    "npm run rm",
    "cat form.txt",
    "git commit -m rm",
    "ls rm x",
    "./farm x",
    "echo alarm",
    "sudo apt install rm",
    "find . -name rm",
    "ls x >log 2>&1",
  ])("is not %j", (command) => {
    expect(asks("rm *", command)).toBe(false);
  });

  it("is any that is too long to check", () => {
    expect(asks("rm *", `echo ${"x".repeat(30_000)}`)).toBe(true);
  });

  it.each([
    ["wrappers in wrappers", "sudo ".repeat(4_000).slice(0, 20_000)],
    [
      "settings",
      Array.from({ length: 3_300 }, (_, at) => `A${at}=`)
        .join(" ")
        .slice(0, 20_000),
    ],
    ["what almost fits", "a".repeat(20_000)],
  ])("is one that would take too long to check: %s", (_name, command) => {
    const patterns = Array.from({ length: 100 }, (_, at) => `*${"a".repeat(450)}b${at}`);
    expect(needsApproval({ execute_command: patterns }, "execute_command", listCommands(command))).toBe(true);
  });

  it("is not one that is merely long", () => {
    const script = Array.from({ length: 500 }, (_, at) => `echo "line ${at} of a file" >> notes/file-${at}.txt`).join(
      "\n",
    );
    const patterns = Array.from({ length: 100 }, (_, at) => `*rm -rf ${at}*`);
    const subjects = listCommands(script.slice(0, 19_000));
    expect(needsApproval({ execute_command: patterns }, "execute_command", subjects)).toBe(false);
  });

  it("is found among other commands on the line", () => {
    const around = fc.string({
      unit: fc.constantFrom("a", " ", ";", "$", "(", ")", "'", '"', "\\", "\n"),
      maxLength: 20,
    });
    fc.assert(fc.property(around, (text) => asks("rm *", `${text}\n;rm x`)));
  });
});

describe("a path", () => {
  it("is matched as written and normalized", () => {
    expect(listPaths("./a/../.env")).toEqual(["./a/../.env", ".env"]);
    expect(listPaths("/a//b/./c", "../x")).toEqual(["/a//b/./c", "/a/b/c", "../x"]);
  });
});
