import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { emptyPlan } from "../agent/plan/view.ts";
import type { ToolResult } from "../agent/tool.ts";
import { type Plan, planView } from "../protocol/plan/task.ts";
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
  it("return the plan as the API shows it, and the changed plan", async () => {
    const result = await callTool(taskTools, "create_tasks", { sections });
    const view = planView.parse(JSON.parse(result.content));
    expect(view).toMatchObject({ version: 1, total_sections: 1, total_tasks: 2, next_task: { content: "A" } });
    expect(result.plan?.version).toBe(1);
    expect(result.details).toEqual({ version: 1, total_tasks: 2, completed_tasks: 0 });
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

  it("show the plan without changing it", async () => {
    const plan = await made();
    const result = await callTool(taskTools, "view_tasks", {}, { plan });
    expect(JSON.parse(result.content)).toMatchObject({ version: 1, total_tasks: 2 });
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
    expect(strict).toMatchObject({ is_error: true, content: expect.stringContaining(plan.tasks[0]?.id ?? "") });
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
    expect(planOf(gone)).toEqual({ version: 2, sections: [], tasks: [] });
  });

  it("return the largest plan in full", async () => {
    const task_contents = Array.from({ length: 500 }, () => '"'.repeat(119));
    const result = await callTool(taskTools, "create_tasks", { section_title: "S", task_contents });
    expect(result.is_error).toBe(false);
    expect(result.content.length).toBeLessThan(taskTools[0]?.output_limit ?? 0);
  });
});
