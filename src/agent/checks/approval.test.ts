import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck } from "../../../test/fakes/check-runner.ts";
import type { Check, CheckInput } from "../../protocol/plan/check.ts";
import { listGuarded, listUnapproved, type Permission, withApproved, withNeeds } from "./approval.ts";

const guarded: Permission = { approvals: { execute_command: ["npm *"] }, has_commands: true };
const files = [{ path: "t.ts", hash: "one" }];
const npmTest: CheckInput = { type: "command", run: "npm test", protected: ["t.ts"] };
const check = (more: Partial<Check> = {}): Check => ({
  id: "chk_1",
  author: "model",
  spec: npmTest,
  protected: files,
  ...more,
});
const needsOf = (one: Check, permission = guarded) =>
  withNeeds([{ task_id: "task_1", check: one }], permission).map(({ needs }) => needs)[0];

describe("what a check needs before it runs", () => {
  it.each<[string, Check, Permission, unknown]>([
    ["nothing, if its command is not guarded", check({ spec: { ...npmTest, run: "make" } }), guarded, undefined],
    ["nothing, if it has no command", check({ spec: { type: "file", path: "a" } }), guarded, undefined],
    ["its files as they were when it was made", check(), guarded, files],
    [
      "its files as a person has last approved them",
      check({ approved: [{ path: "t.ts", hash: "two" }] }),
      guarded,
      [{ path: "t.ts", hash: "two" }],
    ],
    ["a person, if nobody has hashed its files", { id: "chk_1", author: "person", spec: npmTest }, guarded, null],
    ["a person, if the project wrote it", check({ author: "project" }), guarded, null],
    ["nothing more once that is approved", check({ author: "project", approved: files }), guarded, files],
    [
      "a person for a program that it starts",
      commandCheck("x", { author: "project", spec: { type: "http", port: 1, start: { run: "npm start" } } }),
      guarded,
      null,
    ],
    [
      "a person, if the agent has no commands and the project wrote it",
      check({ author: "project" }),
      { approvals: {}, has_commands: false },
      null,
    ],
    [
      "nothing, if the agent has no commands and a person wrote it",
      check({ author: "person" }),
      { approvals: {}, has_commands: false },
      undefined,
    ],
  ])("is %s", (_name, one, permission, needs) => {
    expect(needsOf(one, permission)).toEqual(needs);
  });
});

describe("a person's approval", () => {
  it("is of exactly one text: a check that differs in anything is asked about", () => {
    const plan = checkedPlan([check()], [check({ id: "chk_2", spec: { ...npmTest, run: "npm test && npm run x" } })]);
    const asked = [{ spec: npmTest, files: [{ path: "t.ts", hash: "two" }] }];
    const approved = withApproved(plan, asked);
    expect(approved.tasks.map(({ checks }) => checks?.[0]?.approved)).toEqual([asked[0]?.files, undefined]);
    for (const other of [{ cwd: "x" }, { exit_code: 1 }, { contains: "ok" }, { timeout_seconds: 9 }, { protected: [] }])
      expect(withApproved(checkedPlan([check({ spec: { ...npmTest, ...other } })]), asked)).not.toHaveProperty(
        "tasks.0.checks.0.approved",
      );
    expect(withApproved(plan, [])).toBe(plan);
  });

  const filesOf = (hash: string | null, files?: number) =>
    new Map([["t.ts", { path: "t.ts", hash, ...(files === undefined ? {} : { files }) }]]);

  it("holds until a file changes, comes or goes, and names which", () => {
    const list = listGuarded([check(), commandCheck("make")], guarded);
    expect([list.checks.length, list.paths]).toEqual([1, ["t.ts"]]);
    expect(listUnapproved(list.checks, filesOf("one"))).toEqual([]);
    for (const hash of ["two", null])
      expect(listUnapproved(list.checks, filesOf(hash))).toEqual([
        { spec: npmTest, files: [{ path: "t.ts", hash }], changed: ["t.ts"] },
      ]);
    const none = [check({ protected: [{ path: "t.ts", hash: null }] })];
    expect(listUnapproved(none, filesOf(null))).toEqual([]);
    expect(listUnapproved(none, filesOf(null, 9_000))).toHaveLength(1);
    const twice = [check(), check({ id: "chk_2" })];
    expect(listUnapproved(twice, filesOf("two"))).toHaveLength(1);
  });
});
