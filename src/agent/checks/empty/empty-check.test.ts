import { describe, expect, it } from "vitest";
import { processorTime } from "../../../../test/fakes/processor-time.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import { recognizeEmpty } from "./empty-check.ts";

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
    command("sh -c true"),
    command("bash -lc 'exit 0'"),
    command("sh -c 'npm test || true'"),
    command('bash -c "echo 0 failed"', { contains: "0 failed" }),
    command("node -e ''"),
    command('node -e "process.exit(0)"'),
    command("node -e \"console.log('0 failed')\"", { contains: "0 failed" }),
    command("python3 -c pass"),
    command("python -c 'import sys; sys.exit(0)'"),
    command("python3 -c 'print(\"ok\")'", { contains: "ok" }),
    command("(true)"),
    command("{ npm test || :; }"),
    command("! false"),
    command("env true"),
    command("timeout 5 true"),
    command("command true"),
    command("test 1 -lt 2"),
    command("[ -d / ]"),
    command("test -e ."),
    command("npm test; date"),
    command("npm test || exit 0"),
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
    command("sh -c 'npm test'"),
    command("bash test.sh"),
    command("sh -c"),
    command('sh -c "npm test && echo ok"'),
    command("node -e \"require('./src/cart.js')\""),
    command("node -e \"if (require('./a').total() !== 6) process.exit(1)\""),
    command("node -e \"import('./a.js').then((m) => process.exit(m.ok ? 0 : 1))\""),
    command("node -e 'process.exit(1)'"),
    command("python3 -c 'import cart'"),
    command("python3 -c 'import sys, cart; sys.exit(cart.check())'"),
    command("node -p 'require(\"./package.json\").version'", { contains: "1.0" }),
    command("node test.js"),
    command("(cd shop && npm test)"),
    command("{ npm run build; npm test; }"),
    command("timeout 60 npm test"),
    command("env CI=1 npm test"),
    command("! npm test"),
    command('test "$(wc -l < a)" -gt 3'),
    command("[ -d src ]"),
    command("test -s ./dist/app.js"),
    command("npm test || exit 1"),
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

  it.each(["( ", "! ", "timeout 1 ", "{ ", "true && ", "sh -c '", "\\", "env ", "print(", "echo a | "])(
    "takes time in proportion to a command of %s",
    async (part) => {
      const specs = Array.from({ length: 50 }, () => command(part.repeat(2_000 / part.length), { contains: "x" }));
      expect(await processorTime(() => specs.map(recognizeEmpty))).toBeLessThan(500);
    },
  );
});
