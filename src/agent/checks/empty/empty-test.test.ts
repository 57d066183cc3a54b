import { describe, expect, it } from "vitest";
import { processorTime } from "../../../../test/fakes/processor-time.ts";
import type { Task } from "../../../protocol/plan/task.ts";
import type { ModelMessage } from "../../model.ts";
import { assertsNothing, describeEmptyTests, listEmptyTests } from "./empty-test.ts";

describe("a test that asserts nothing", () => {
  it.each([
    ["test/a.test.js", "import '../src/a.js';\nconsole.log('3 passed, 0 failed');\n"],
    ["a.test.ts", "import { expect, it } from 'vitest';\nit('works', () => {});\n"],
    ["a.test.ts", "import { expect, it } from 'vitest';\nit('works', () => {\n  expect(true).toBe(true);\n});\n"],
    ["src/__tests__/a.js", "test('adds', () => { expect(1).toEqual(1); expect('a').toBeTruthy(); });"],
    ["a.spec.ts", "it('adds', () => { // expect(add(1, 2)).toBe(3)\n  add(1, 2);\n});"],
    [
      "a.test.mjs",
      "import assert from 'node:assert';\nimport { test } from 'node:test';\ntest('a', () => { assert.equal(1, 1); assert(true); });",
    ],
    ["a.test.cjs", "const assert = require('assert');\nconst { test } = require('node:test');\ntest('a', () => {});"],
    ["test_a.py", "def test_add():\n    assert True\n"],
    [
      "tests/test_a.py",
      "import unittest\nclass A(unittest.TestCase):\n  def test(self):\n    self.assertEqual(1, 1)\n",
    ],
    ["test_a.py", "from a import add\n\ndef test_add():\n    add(1, 2)  # assert add(1, 2) == 3\n    pass\n"],
    ["a_test.go", 'package a\nimport "testing"\nfunc TestAdd(t *testing.T) {\n  Add(1, 2)\n}\n'],
  ])("is %s: %j", (path, text) => {
    expect(assertsNothing(path, text)).toBe(true);
  });

  it.each([
    ["a.test.ts", "it('adds', () => { expect(add(1, 2)).toBe(3); });"],
    ["a.test.ts", "it('adds', () => { expect(true).toBe(true); expect(add(1, 2)).toBe(3); });"],
    ["a.test.ts", "it('is drawn', async () => { await expect(page).toHaveScreenshot(); });"],
    ["a.test.js", "import assert from 'node:assert';\ntest('adds', () => assert.strictEqual(add(1, 2), 3));"],
    ["a.test.js", "test('adds', (t) => { t.is(add(1, 2), 3); });"],
    ["a.test.js", "if (add(1, 2) !== 3) throw new Error('wrong');"],
    ["a.test.js", "if (add(1, 2) !== 3) process.exit(1);"],
    ["a.test.js", "process.exitCode = failed === 0 ? 0 : 1;"],
    ["a.test.js", "import { verifyCart } from './verify.js';\nit('holds', () => verifyCart(cart));"],
    ["a.test.js", "it('adds', () => { add(1, 2).should.equal(3); });"],
    ["a.test.js", "test('url', () => assert.ok(get('http://localhost/a')));"],
    ["test_a.py", "def test_add():\n    assert add(1, 2) == 3\n"],
    ["test_a.py", "def test_add():\n    with pytest.raises(ValueError):\n        add(None)\n"],
    ["test_a.py", "class A(unittest.TestCase):\n  def test(self):\n    self.assertEqual(add(1, 2), 3)\n"],
    ["a_test.go", 'func TestAdd(t *testing.T) {\n  if Add(1, 2) != 3 { t.Fatalf("wrong") }\n}\n'],
    ["a_test.go", "func TestAdd(t *testing.T) {\n  require.Equal(t, 3, Add(1, 2))\n}\n"],
    ["a.test.js", "test('never', () => { if (add(1, 2) !== 3) assert.fail('wrong'); });"],
    ["src/a.js", "export const add = (a, b) => a + b;"],
    ["tests/data.json", "{}"],
  ])("is not %s: %j", (path, text) => {
    expect(assertsNothing(path, text)).toBe(false);
  });

  it("is named for the checks that run it", () => {
    const written = new Map([
      ["test/a.test.js", "console.log('ok')"],
      ["test/b.test.js", "if (b() !== 1) throw 1"],
    ]);
    const run = (command: string) => listEmptyTests([command], written);
    expect(run("npm test")).toEqual(["test/a.test.js"]);
    expect(run("cd test && node a.test.js")).toEqual(["test/a.test.js"]);
    expect(run("npx vitest run")).toEqual(["test/a.test.js"]);
    expect(run("node test/b.test.js")).toEqual([]);
    expect(run("npm run build")).toEqual([]);
    expect(listEmptyTests([], written)).toEqual([]);
  });
});

const task = (run: string): Task => ({
  ...{ id: "task_1", content: "a", status: "completed", section_id: "sec_1" },
  checks: [{ id: "chk_1", author: "model", spec: { type: "command", run } }],
});
const wrote = (path: string, content: string): ModelMessage => ({
  role: "assistant",
  content: "",
  tool_calls: [
    { id: "c", type: "function", function: { name: "create_file", arguments: JSON.stringify({ path, content }) } },
  ],
});

it("the newest text of a test counts", () => {
  const [empty, honest] = ["console.log('ok')", "if (b() !== 1) throw 1"].map((text) => wrote("b.test.js", text));
  if (empty === undefined || honest === undefined) throw new Error("none");
  expect(describeEmptyTests([task("npm test")], [honest, empty])).toMatch(/^"b.test.js": you wrote this test/);
  expect(describeEmptyTests([task("npm test")], [empty, honest])).toBeNull();
  expect(describeEmptyTests([task("npm run build")], [empty])).toBeNull();
});

describe("a long test made to take long", () => {
  const characters = 100_000;
  it.each([
    ...[
      "/*",
      "//",
      "ok",
      "a.",
      "\n",
      " ",
      "expect(",
      'expect("',
      "expect('\"",
      "expect(1).a( ",
      "t.",
      "t(1,",
      "assert.a",
      "t.a",
    ],
    ...[
      "assert 1 ",
      "assert\n",
      "require('",
      'require("\n',
      "import ",
      "from",
      "'",
      '"',
      "`",
      "#",
      "assert(1,",
      "1",
      "self.1.",
      "T(",
    ],
  ])("is judged in time in proportion to its length: %j", async (part) => {
    const rest = "a ".repeat(2);
    for (const path of ["a.test.js", "test_a.py", "a_test.go"])
      for (const text of [
        part.repeat(characters / part.length),
        `expect(1).a(${part}`.padEnd(characters, part) + rest,
      ]) {
        expect(await processorTime(() => assertsNothing(path, text.slice(0, characters)))).toBeLessThan(500);
      }
  });

  it("is not looked at if it is longer, nor are all of many", async () => {
    expect(assertsNothing("a.test.js", " ".repeat(100_001))).toBe(false);
    const rows = Array.from({ length: 200 }, (_, at) => wrote(`${at}.test.js`, `${"ok".repeat(49_000)} ${at}`));
    let found: string | null = null;
    expect(
      await processorTime(() => {
        found = describeEmptyTests([task("npm test")], rows);
      }),
    ).toBeLessThan(500);
    expect(found).toMatch(/^"199.test.js", "198.test.js", "197.test.js":/);
  });
});
