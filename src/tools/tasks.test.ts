import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { emptyPlan } from "../agent/plan/view.ts";
import type { ToolResult } from "../agent/tool.ts";
import type { Plan } from "../protocol/plan/task.ts";
import { taskTools } from "./tasks.ts";

const sections = [{ title: "S", tasks: ["A", "B"] }];

function planOf(result: ToolResult): Plan {
  if (!result.plan) throw new Error(`no plan: ${result.content}`);
  return result.plan;
}

async function made(): Promise<Plan> {
  return planOf(await callTool(taskTools, "create_tasks", { sections }));
}

describe("the plan's tools", () => {
  it("return counts, the next task and the ids of new tasks, and the changed plan beside them", async () => {
    const result = await callTool(taskTools, "create_tasks", { sections });
    expect(JSON.parse(result.content)).toEqual({
      version: 1,
      total_sections: 1,
      total_tasks: 2,
      completed_tasks: 0,
      next_task: { id: "task_1", content: "A" },
      new_tasks: "task_1 to task_2",
      new_sections: "sec_1",
    });
    expect(result.plan?.version).toBe(1);
    expect(result.details).toEqual({ version: 1, total_tasks: 2, completed_tasks: 0 });
  });

  it("refuse at once what would take long to read", async () => {
    const checks = [{ type: "command", run: "ls", matches: "((((){1000}){1000}){1000}){1000}" }];
    const input = { sections: [{ title: "S", tasks: [{ content: "A", checks }] }] };
    const result = await callTool(taskTools, "create_tasks", input);
    expect(result).toMatchObject({ is_error: true, content: expect.stringContaining("too long when its repetitions") });
  });

  it("say that nothing was added if the same is planned twice", async () => {
    const plan = await made();
    const result = await callTool(taskTools, "create_tasks", { sections }, { plan });
    expect(result).toMatchObject({ is_error: false });
    expect(result.plan).toBeUndefined();
    expect(JSON.parse(result.content)).toMatchObject({
      version: 1,
      total_tasks: 2,
      note: expect.stringContaining("Nothing was added"),
    });
  });

  it("send back a change without evidence, and return no plan with it", async () => {
    const plan = await made();
    const ids = plan.tasks.map(({ id }) => id);
    const asked: string[] = [];
    const challenge = (changed: Plan) => {
      asked.push(changed.tasks.map(({ status }) => status).join(" "));
      return { message: "Show it.", task_ids: ids };
    };
    const input = { task_ids: ids, status: "completed" };
    const result = await callTool(taskTools, "update_tasks", input, { plan, challenge });
    expect(result).toEqual({ content: "Show it.", is_error: true, details: { challenged: ids } });
    expect(asked).toEqual(["completed completed"]);
  });

  it("say how many of the tasks were planned already, and which ids the others have", async () => {
    const plan = await made();
    const more = [{ title: "S", tasks: ["B", "C"] }];
    const result = await callTool(taskTools, "create_tasks", { sections: more }, { plan });
    expect(JSON.parse(result.content)).toMatchObject({
      new_tasks: "task_3",
      note: "1 not added again: in the plan already, and still open.",
    });
    expect(JSON.parse(result.content)).not.toHaveProperty("new_sections");
  });

  it("answer with a few words however large the plan is", async () => {
    const task_contents = Array.from({ length: 499 }, (_, at) => `Task ${at}: ${"x".repeat(90)}`);
    const plan = planOf(await callTool(taskTools, "create_tasks", { section_title: "S", task_contents }));
    const more = await callTool(
      taskTools,
      "create_tasks",
      { section_id: "sec_1", task_contents: ["one more"] },
      { plan },
    );
    expect(more.content.length).toBeLessThan(300);
    const input = { task_ids: ["task_1"], status: "completed" };
    expect((await callTool(taskTools, "update_tasks", input, { plan })).content.length).toBeLessThan(300);
  });

  it("show the plan with short ids, without changing it", async () => {
    const plan = await made();
    const result = await callTool(taskTools, "view_tasks", {}, { plan });
    const [A, B] = ["A", "B"].map((content, at) => ({ id: `task_${at + 1}`, content, status: "pending" }));
    expect(JSON.parse(result.content)).toEqual({
      version: 1,
      sections: [{ id: "sec_1", title: "S", tasks: [A, B] }],
      total_sections: 1,
      total_tasks: 2,
      completed_tasks: 0,
      next_task: { id: "task_1", content: "A" },
    });
    expect(result.plan).toBeUndefined();
    expect(JSON.parse((await callTool(taskTools, "view_tasks", {})).content)).toMatchObject({ next_task: null });
  });

  it("understand usual mistakes", async () => {
    const plan = await made();
    const ids = JSON.stringify(plan.tasks.map((task) => task.id));
    const result = await callTool(taskTools, "update_tasks", { task_ids: ids, status: "done" }, { plan });
    expect(planOf(result).tasks.map((task) => task.status)).toEqual(["completed", "completed"]);
  });

  it("follow the agent's order", async () => {
    const plan = await made();
    const call = { task_ids: [plan.tasks[1]?.id], status: "completed" };
    const strict = await callTool(taskTools, "update_tasks", call, { plan });
    expect(strict).toMatchObject({ is_error: true, content: expect.stringContaining("task_1") });
    expect(strict.plan).toBeUndefined();
    const free = await callTool(taskTools, "update_tasks", call, { plan, plan_order: "free" });
    expect(free.is_error).toBe(false);
  });

  it("return no changed plan if nothing changed", async () => {
    const result = await callTool(taskTools, "clear_all", { confirm: true }, { plan: emptyPlan });
    expect(result.is_error).toBe(false);
    expect(result.plan).toBeUndefined();
  });

  it("delete sections and clear all only with confirm, and name it otherwise", async () => {
    const plan = await made();
    const section_ids = [plan.sections[0]?.id];
    const unsure = await callTool(taskTools, "delete_tasks", { section_ids }, { plan });
    expect(unsure).toMatchObject({ is_error: true, content: expect.stringContaining('"confirm":true') });
    expect(await callTool(taskTools, "clear_all", {}, { plan })).toMatchObject({ is_error: true });
    const gone = await callTool(taskTools, "delete_tasks", { section_ids, confirm: true }, { plan });
    expect(planOf(gone)).toMatchObject({ version: 2, sections: [], tasks: [] });
  });

  it("return the largest plan in full", async () => {
    const task_contents = Array.from({ length: 500 }, () => '"'.repeat(119));
    const plan = planOf(await callTool(taskTools, "create_tasks", { section_title: "S", task_contents }));
    const result = await callTool(taskTools, "view_tasks", {}, { plan });
    expect(result.is_error).toBe(false);
    expect(result.content.length).toBeLessThan(taskTools[0]?.output_limit ?? 0);
  });
});
