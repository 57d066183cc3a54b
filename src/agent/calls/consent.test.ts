import { describe, expect, it } from "vitest";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { taskTools } from "../../tools/tasks.ts";
import { askFirst, readAskedTool } from "./consent.ts";

const plan: Plan = {
  version: 1,
  sections: [
    { id: "sec_a", title: "Build", number: 1 },
    { id: "sec_b", title: "Check", number: 2 },
  ],
  tasks: [{ id: "task_a", content: "front", status: "pending", section_id: "sec_a", number: 1 }],
};
const agent = agentConfig.parse({ approvals: { update_tasks: ["*"], delete_tasks: ["*"] } });

function messageFor(name: string, input: unknown): string | undefined {
  const tool = taskTools.find((each) => each.name === name);
  return tool && askFirst(tool, input, agent, plan)?.message;
}

describe("the question about a call that changes the plan", () => {
  it.each([
    ["a task", "update_tasks", { task_ids: ["task_1"], status: "completed" }, ['task_1 ("front")']],
    [
      "the section to move it to",
      "update_tasks",
      { task_ids: ["task_1"], section_id: "sec_2" },
      ['task_1 ("front")', 'sec_2 ("Check")'],
    ],
    [
      "sections to delete",
      "delete_tasks",
      { section_ids: ["sec_1", "2", "sec_9"], confirm: true },
      ['sec_1 ("Build")', 'sec_2 ("Check")'],
    ],
    ["nothing that is not there", "update_tasks", { task_ids: ["task_9"], status: "completed" }, []],
  ])("names %s as people know them", (_, name, input, lines) => {
    expect(messageFor(name, input)?.split("\n").slice(1)).toEqual(lines);
  });
});

describe("the tool of an approval", () => {
  it("is read from what was asked, whatever its arguments say", () => {
    const input = { task_ids: ["other_tool: x"], content: "another_tool: y", status: "completed" };
    const tool = taskTools.find(({ name }) => name === "update_tasks");
    const question = tool && askFirst(tool, input, agent, plan);
    expect(question && readAskedTool(question)).toBe("update_tasks");
  });

  it("is unknown where no tool was asked for, and never a piece of prose", () => {
    const of = (reason: "approval" | "question" | "plan_approval", message: string) =>
      readAskedTool({ reason, message });
    expect(of("plan_approval", "Please approve the plan: 1 section, 2 tasks.")).toBe("create_tasks");
    expect(of("question", "shell: which?")).toBeNull();
    for (const message of ["", "no colon", ": x", "two words: x", "new\nline: x", `${"t".repeat(65)}: x`, "tool:x"])
      expect(of("approval", message)).toBeNull();
  });
});
