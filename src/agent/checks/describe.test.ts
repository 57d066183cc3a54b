import { describe, expect, it } from "vitest";
import type { Check, CheckInput } from "../../protocol/plan/check.ts";
import { describeCheck, describeWhole, listChecks } from "./describe.ts";

const cases: [CheckInput, string, string][] = [
  [{ type: "command", run: "npm  test" }, "`npm test` exits with 0", "`npm test` 的退出码为 0"],
  [
    { type: "command", run: "x", exit_code: 2, contains: "0 failed" },
    '`x` exits with 2, contains "0 failed"',
    '`x` 的退出码为 2，包含 "0 failed"',
  ],
  [{ type: "file", path: "a.js" }, "a.js exists", "a.js 存在"],
  [{ type: "file", path: "a.js", exists: false }, "a.js does not exist", "a.js 不存在"],
  [
    { type: "file", path: "shop/server.js", contains: "/api/cart" },
    'shop/server.js contains "/api/cart"',
    'shop/server.js 包含 "/api/cart"',
  ],
  [
    { type: "file", path: "a.json", json: { path: "items.0.id", equals: 1 }, min_bytes: 3 },
    "a.json has items.0.id = 1 in its JSON, has at least 3 bytes",
    "a.json JSON 中 items.0.id = 1，至少 3 字节",
  ],
  [
    { type: "http", port: 3000, path: "/api/products" },
    "GET :3000/api/products answers 200",
    "GET :3000/api/products 返回 200",
  ],
  [
    { type: "http", port: 80, start: { run: "npm start" }, status: 204 },
    "GET :80/ answers 204 after `npm start`",
    "GET :80/ 返回 204（先运行 `npm start`）",
  ],
  [
    { type: "git", clean: true, branch: "main", pushed: true },
    "git has nothing uncommitted, is on the branch main, has nothing unpushed",
    "git 没有未提交的改动，位于分支 main，没有未推送的提交",
  ],
  [{ type: "person", question: "Good?" }, 'a person says yes to "Good?"', '需要有人确认："Good?"'],
];

describe("describeCheck", () => {
  it.each(cases)("says %j in one line", (spec, english, chinese) => {
    expect(describeCheck(spec)).toBe(english);
    expect(describeCheck(spec, true)).toBe(chinese);
  });

  it("stays short and on one line, whatever the check says", () => {
    const long = `a\n${"😀".repeat(900)}`;
    for (const spec of [
      { type: "command" as const, run: long, contains: long, matches: long },
      { type: "file" as const, path: long, contains: long },
      { type: "person" as const, question: long },
    ]) {
      const line = describeCheck(spec);
      expect(line.length).toBeLessThanOrEqual(120);
      expect(line.isWellFormed() && !line.includes("\n")).toBe(true);
    }
  });
});

it("describeWhole leaves nothing out", () => {
  expect(describeWhole({ type: "file", path: "a" })).toBe("a exists");
  for (const spec of [
    { type: "command" as const, run: "x".repeat(61) },
    { type: "command" as const, run: "x", cwd: "shop" },
    { type: "http" as const, port: 80, start: { run: "npm start" } },
  ])
    expect(JSON.parse(describeWhole(spec))).toEqual(spec);
});

it("listChecks numbers checks and says whose they are and what was seen", () => {
  const spec: CheckInput = { type: "file", path: "a" };
  const result = { receipt_id: "r", outcome: "passed" as const, at: "", reason: "", tree: null };
  const checks: Check[] = [
    { id: "c1", author: "model", spec },
    { id: "c2", author: "person", spec, result: { ...result, outcome: "failed" } },
    { id: "c3", author: "project", spec, result: { ...result, stale: true } },
  ];
  expect(listChecks(checks)).toEqual([
    "1: a exists (yours)",
    "2: a exists (the person's, failed)",
    "3: a exists (the project's, passed before files changed)",
  ]);
});
