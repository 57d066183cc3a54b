import { describe, expect, it } from "vitest";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { taskTools } from "../../tools/tasks.ts";
import { askFirst } from "./consent.ts";

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
