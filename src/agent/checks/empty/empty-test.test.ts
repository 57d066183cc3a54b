import { describe, expect, it } from "vitest";
import { assertsNothing, listEmptyTests } from "./empty-test.ts";

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
    const run = (command: string) => listEmptyTests({ type: "command", run: command }, written);
    expect(run("npm test")).toEqual(["test/a.test.js"]);
    expect(run("cd test && node a.test.js")).toEqual(["test/a.test.js"]);
    expect(run("npx vitest run")).toEqual(["test/a.test.js"]);
    expect(run("node test/b.test.js")).toEqual([]);
    expect(run("npm run build")).toEqual([]);
    expect(listEmptyTests({ type: "file", path: "test/a.test.js" }, written)).toEqual([]);
  });
});
