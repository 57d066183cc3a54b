import { describe, expect, it } from "vitest";
import type { CheckInput } from "../../protocol/plan/check.ts";
import { recognizeEmpty } from "./empty.ts";

const command = (run: string, more: object = {}): CheckInput => ({ type: "command", run, ...more });

describe("recognizeEmpty", () => {
  it.each([
    command("true"),
    command(":"),
    command("exit 0"),
    command("exit"),
    command("/bin/true"),
    command("echo ok"),
    command("echo ok", { contains: "ok" }),
    command("echo 'all tests passed'", { contains: "passed" }),
    command("npm test || true"),
    command("npm test || echo failed"),
    command("npm test; true"),
    command("npm test\nexit 0"),
    command("npm test; echo '0 failed'", { contains: "0 failed" }),
    command("cd shop; npm test 2>&1; echo done"),
    command("test 1 = 1"),
    command("[ 1 -eq 1 ]"),
    command("[[ a == a ]]"),
    command("test x"),
    command("false", { exit_code: 1 }),
    command("exit 3", { exit_code: 3 }),
    command("true && echo ok"),
    command("npm test | tee log.txt"),
    command("npm test | tail -20"),
    { type: "file", path: "." } satisfies CheckInput,
    { type: "file", path: "/tmp/" } satisfies CheckInput,
    { type: "file", path: "./.git", min_bytes: 0 } satisfies CheckInput,
  ])("says that %j can't fail", (spec) => {
    expect(recognizeEmpty(spec)).toMatch(/can't fail and shows nothing\. (?:Give|Name) a /);
  });

  it.each([
    command("npm test"),
    command("npm test && echo ok"),
    command("npm test && true"),
    command("npm test && echo '0 failed'", { contains: "0 failed" }),
    command("npm test || true", { contains: "0 failed" }),
    command("npm test | tee log.txt", { contains: "0 failed" }),
    command("set -o pipefail; npm test | tail -5"),
    command("npm test | grep -q passed"),
    command("set -e; npm test; echo ok"),
    command("if grep -q x a; then exit 1; fi; exit 0"),
    command("npm test || exit 1; echo ok"),
    command("echo ok", { excludes: "error" }),
    command("test -f a.js"),
    command("[ -s a.js ]"),
    command('test "$(cat a)" = 1'),
    command('test "$X" = "$Y"'),
    command("false"),
    command("exit 1"),
    command("echo it's"),
    command("echo ok > file"),
    command("! grep -q TODO a.js"),
    command("truecheck"),
    { type: "file", path: "src/a.js" } satisfies CheckInput,
    { type: "file", path: ".", exists: false } satisfies CheckInput,
    { type: "file", path: ".git", contains: "x" } satisfies CheckInput,
    { type: "git", clean: true } satisfies CheckInput,
    { type: "http", port: 3000 } satisfies CheckInput,
    { type: "person", question: "Good?" } satisfies CheckInput,
  ])("says nothing about %j", (spec) => {
    expect(recognizeEmpty(spec)).toBeNull();
  });
});
