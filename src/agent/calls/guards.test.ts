import { describe, expect, it } from "vitest";
import { callsTools, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { createRepetitionGuard, judgeReply, noReplies } from "./guards.ts";

const task = { id: "task_1", content: "Build", status: "pending" as const, section_id: "sec_1" };

describe("createRepetitionGuard", () => {
  it("counts through calls that leave the plan as it is, and from one after a change of it", () => {
    const guard = createRepetitionGuard((name) => name === "update_tasks");
    const answers = ["work", "update_tasks", "work", "update_tasks", "work", "update_tasks"].map((name) =>
      guard.check(name, "{}"),
    );
    expect(answers.map((answer) => answer !== null)).toEqual([false, false, false, false, true, false]);
    expect([1, 2].map(() => guard.check("update_tasks", "{}") !== null)).toEqual([false, true]);
    guard.notePlanChange();
    expect(guard.check("work", "{}")).toBeNull();
  });

  it("stops the third equal call in a row, and every one after it", () => {
    const guard = createRepetitionGuard();
    expect([1, 2, 3, 4].map(() => guard.check("f", '{"a":1}') === null)).toEqual([true, true, false, false]);
  });

  it("counts from one after a different call, and ignores white space", () => {
    const guard = createRepetitionGuard();
    guard.check("f", '{"a":1}');
    guard.check("f", '{ "a": 1 }');
    expect(guard.check("f", '{"a":2}')).toBeNull();
    guard.check("f", '{"a":1}');
    guard.check("f", '{"a" : 1}');
    expect(guard.check("f", ' {"a":1}')).toContain("3 times in a row");
  });

  it("counts a read with equal answers as repetition, and one with changing answers as watching", () => {
    const guard = createRepetitionGuard();
    const read = (content: string) => {
      const stopped = guard.check("f", "{}");
      if (!stopped) guard.record("f", "{}", content);
      return stopped === null;
    };
    expect(["1", "2", "3", "4", "4"].map(read)).toEqual([true, true, true, true, true]);
    expect(["4", "4"].map(read)).toEqual([false, false]);
  });

  it("gives the explanation as the result, without running the tool", async () => {
    let executed = 0;
    const work = makeTool("work", { execute: async () => ({ content: String(executed++), is_error: false }) });
    const run = new ScriptedRun([callsTools("work", "work"), callsTools("work"), says("I see.")], [work]);
    expect(await run.run()).toMatchObject({ status: "completed" });
    expect(executed).toBe(2);
    expect(run.results.get("call_2_0")).toMatchObject({ is_error: true, content: expect.stringContaining("in a row") });
  });
});

describe("judgeReply", () => {
  it("accepts a text when nothing is open", () => {
    expect(judgeReply(noReplies, "Done.", "stop", [])).toEqual({ kind: "done", text: "Done." });
    expect(judgeReply(noReplies, "Done.", "other", [])).toEqual({ kind: "done", text: "Done." });
  });

  it("names the task that is due, three times at most", () => {
    let counts = noReplies;
    for (let turn = 0; turn < 3; turn++) {
      const decision = judgeReply(counts, "Done?", "stop", [task]);
      if (decision.kind !== "nudge") throw new Error(decision.kind);
      expect(decision.nudge).toContain("task_1");
      counts = decision.counts;
    }
    expect(judgeReply(counts, "Done?", "stop", [task])).toEqual({ kind: "done", text: "Done?" });
  });

  it("keeps the text of a cut reply if nothing follows", () => {
    const cut = judgeReply(noReplies, "So far", "length", []);
    if (cut.kind !== "nudge") throw new Error(cut.kind);
    const empty = judgeReply(cut.counts, "", "stop", []);
    if (empty.kind !== "nudge") throw new Error(empty.kind);
    expect(judgeReply(empty.counts, "", "stop", [])).toEqual({ kind: "done", text: "So far" });
  });

  it("asks a model that reasoned up to the output limit to think less", () => {
    expect(judgeReply(noReplies, "", "length", [])).toMatchObject({
      kind: "nudge",
      nudge: expect.stringContaining("Think less"),
    });
  });
});
