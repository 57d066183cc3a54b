import { describe, expect, it } from "vitest";
import type { Check, CheckInput, CheckResult, ProtectedFile, Verification } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { listUnhashed, protectedPaths, withHashes } from "./protect.ts";
import { describeUnprotected } from "./protected-pattern.ts";
import { verificationOf, withVerification } from "./verification.ts";

const result = (outcome: CheckResult["outcome"], more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ receipt_id: "r", outcome, at: "2026-01-01T00:00:00.000Z", reason: "", tree: null },
  ...more,
});
const check = (author: Check["author"], seen?: CheckResult): Check => ({
  ...{ id: "c", author, spec: { type: "file", path: "a" } },
  ...(seen === undefined ? {} : { result: seen }),
});
const task = (checks: Check[], more: Partial<Task> = {}): Task => ({
  ...{ id: "task_1", content: "A", status: "completed", section_id: "sec_1", checks },
  ...more,
});
const passed = result("passed");

describe("verificationOf", () => {
  const cases: [Verification, string, Task][] = [
    ["none", "a task without checks", task([])],
    [
      "verified",
      "checks of a person and the project that passed",
      task([check("person", passed), check("project", passed)]),
    ],
    ["self_checked", "one of them the model's", task([check("person", passed), check("model", passed)])],
    ["self_checked", "a protected file changed", task([check("person", result("passed", { altered: true }))])],
    ["self_checked", "the model has removed another", task([check("person", passed)], { weakened: true })],
    ["stale", "files changed since", task([check("model", result("passed", { stale: true }))])],
    ["not_run", "one without a receipt", task([check("person", passed), check("person")])],
    ["not_run", "one that could not run", task([check("person", result("not_run")), check("person", passed)])],
    ["not_run", "stale and not run", task([check("person", result("passed", { stale: true })), check("person")])],
    ["failed", "one failed and one not run", task([check("person"), check("person", result("failed"))])],
    ["failed", "failed before files changed", task([check("person", result("failed", { stale: true }))])],
    [
      "accepted",
      "a person's yes, whatever failed",
      task([check("person", result("failed"))], { verification: "accepted" }),
    ],
    [
      "failed",
      "a task that nobody completed",
      task([check("person", result("failed"))], { status: "in_progress", verification: "accepted" }),
    ],
  ];
  it.each(cases)("is %s for %s", (verification, _, given) => {
    expect(verificationOf(given)).toBe(verification);
  });
});

describe("protected files", () => {
  const spec: CheckInput = { type: "command", run: "npm test", protected: ["a", "b"] };
  const made = (files?: ProtectedFile[]): Check => ({
    ...{ id: "c", author: "person", spec, result: passed },
    ...(files === undefined ? {} : { protected: files }),
  });
  const plan = (check_: Check): Plan => ({ version: 1, sections: [], tasks: [withVerification(task([check_]))] });

  const fileOf = (path: string, hash: string | null, files?: number): [string, ProtectedFile] => [
    path,
    { path, hash, ...(files === undefined ? {} : { files }) },
  ];

  it("verify nothing where an entry matches nothing, or what can't be protected, and say which", () => {
    const closed = (file: [string, ProtectedFile]) => plan(made([{ path: "a", hash: "h" }, file[1]])).tasks[0];
    for (const file of [fileOf("b", null), fileOf("b", null, 6_000)])
      expect(closed(file)?.verification).toBe("self_checked");
    expect(closed(fileOf("b", "i", 6))?.verification).toBe("verified");
    const why = (files?: ProtectedFile[]) => describeUnprotected(made(files));
    expect(why([{ path: "a", hash: "h" }])).toBe('"b" in protected matches no file.');
    expect(why([fileOf("a", null, 6_000)[1], fileOf("b", "i")[1]])).toMatch(/^"a" in protected matches what can't be/);
    expect(why()).toBe("Its protected files could not be hashed before the work began.");
    expect(describeUnprotected({ spec: { type: "command", run: "x" } })).toBeNull();
    // What only comes with a named file may be missing.
    const named: CheckInput = { ...spec, protected: ["package.json"] };
    const files = [fileOf("package.json", "h")[1], fileOf(".npmrc", null)[1]];
    expect(describeUnprotected({ spec: named, protected: files })).toBeNull();
  });

  it("verify nothing before they are hashed", () => {
    const open = plan(made());
    expect(open.tasks[0]?.verification).toBe("self_checked");
    expect(listUnhashed(open)).toEqual(["a", "b"]);
    const files = new Map([fileOf("a", "h"), fileOf("b", "i", 7)]);
    const closed = withHashes(open, files);
    expect(closed.tasks[0]).toMatchObject({
      verification: "verified",
      checks: [
        {
          protected: [
            { path: "a", hash: "h" },
            { path: "b", hash: "i", files: 7 },
          ],
        },
      ],
    });
    expect(listUnhashed(closed)).toEqual([]);
    expect(withHashes(closed, new Map([fileOf("a", "other")]))).toBe(closed);
  });

  it("bring those that decide what a package.json means", () => {
    const at = (path: string) => protectedPaths({ spec: { type: "command", run: "npm test", protected: [path] } });
    expect(at("package.json")).toEqual([
      ...["package.json", ".npmrc"],
      ...["node", "npm", "npx", "sh"].map((name) => `node_modules/.bin/${name}`),
    ]);
    expect(at("shop/package.json")).toEqual(
      expect.arrayContaining(["shop/.npmrc", "shop/node_modules/.bin/node", "node_modules/.bin/node"]),
    );
    expect(at("a/b/c/d/e/f/g/h/package.json").length).toBeLessThan(23);
    for (const path of ["test/package.json.test.ts", "test/", "test/*.test.ts", "pack*.js"])
      expect(at(path)).toEqual([path]);
    for (const path of ["shop/*.json", "shop/pack?ge.json", "shop/*", "shop/p*n"])
      expect(at(path)).toEqual(expect.arrayContaining(["shop/.npmrc", "node_modules/.bin/node"]));
    expect(at("**/package.json")).toEqual(expect.arrayContaining(["**/.npmrc", "**/node_modules/.bin/sh"]));
  });

  it("are hashed all or not at all", () => {
    const open = plan(made());
    expect(withHashes(open, new Map([fileOf("a", "h")]))).toBe(open);
  });
});

describe("withVerification", () => {
  it("changes nothing about a task without checks, and nothing twice", () => {
    const plain: Task = { id: "task_1", content: "A", status: "completed", section_id: "sec_1" };
    expect(withVerification(plain)).toBe(plain);
    const once = withVerification(task([check("person", passed)]));
    expect(once.verification).toBe("verified");
    expect(withVerification(once)).toBe(once);
  });

  it("takes both away with the last check", () => {
    expect(withVerification(task([], { verification: "accepted", weakened: true }))).toEqual({
      ...{ id: "task_1", content: "A", status: "completed", section_id: "sec_1", weakened: true },
    });
  });
});
