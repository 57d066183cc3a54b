import { describe, expect, it } from "vitest";
import { callTool, readInput } from "../../test/fakes/call-tool.ts";
import { askFirst } from "../agent/calls/consent.ts";
import { describeTool } from "../agent/calls/tool-arguments.ts";
import { editPlan } from "../agent/plan/edits.ts";
import { numberPlan } from "../agent/plan/numbers.ts";
import type { ToolResult } from "../agent/tool.ts";
import { agentConfig } from "../protocol/agents/agent.ts";
import type { CheckInput } from "../protocol/plan/check.ts";
import type { Plan } from "../protocol/plan/task.ts";
import { taskTools } from "./tasks.ts";

const npmTest: CheckInput = { type: "command", run: "npm test" };
const cart: CheckInput = { type: "file", path: "shop/server.js", contains: "/api/cart" };
const tasks = ["A", { content: "B", checks: [npmTest, cart] }];
const sections = [{ title: "S", tasks }];

function planOf(result: ToolResult): Plan {
  if (!result.plan) throw new Error(`no plan: ${result.content}`);
  return numberPlan(result.plan);
}
const made = async () => planOf(await callTool(taskTools, "create_tasks", { sections }));

function ask(name: string, input: unknown, plan: Plan, config: object) {
  const tool = taskTools.find((each) => each.name === name);
  return tool === undefined ? null : askFirst(tool, readInput(tool, input), agentConfig.parse(config), plan);
}

describe("tasks with checks", () => {
  it("are planned by the model, and shown with their checks while they are open", async () => {
    const plan = await made();
    expect(plan.tasks.map(({ checks }) => checks?.map(({ author, spec }) => [author, spec]))).toEqual([
      undefined,
      [
        ["model", npmTest],
        ["model", cart],
      ],
    ]);
    const shown = JSON.parse((await callTool(taskTools, "view_tasks", {}, { plan })).content);
    expect(shown.sections[0].tasks).toEqual([
      { id: "task_1", content: "A", status: "pending" },
      {
        ...{ id: "task_2", content: "B", status: "pending" },
        checks: ["1: `npm test` exits with 0 (yours)", '2: shop/server.js contains "/api/cart" (yours)'],
      },
    ]);
  });

  it("are refused with the check and the right form", async () => {
    const input = { section_title: "S", task_contents: [{ content: "B", checks: [{ type: "http", path: "/" }] }] };
    const result = await callTool(taskTools, "create_tasks", input);
    expect(result).toMatchObject({ is_error: true });
    expect(result.content).toMatch(/^"B": Check 1, \{"type":"http","path":"\/"\}, was not added: .*"port":3000/);
  });

  it("say to the model that a check can't fail", async () => {
    const input = { section_title: "S", task_contents: [{ content: "B", checks: ["npm test || true", "npm test"] }] };
    const { content } = await callTool(taskTools, "create_tasks", input);
    expect(JSON.parse(content).empty_checks).toEqual([expect.stringContaining("can't fail and shows nothing")]);
  });

  it("record what the model weakens, and say so to it", async () => {
    const plan = await made();
    const removal = await callTool(taskTools, "update_tasks", { task_ids: ["2"], remove_checks: ["1"] }, { plan });
    const [, second] = plan.tasks;
    expect(removal.details).toMatchObject({
      weakened: [{ kind: "removed", task: "task_2", task_id: second?.id, check_id: second?.checks?.[0]?.id }],
    });
    expect(JSON.parse(removal.content).recorded).toEqual(['removes a check of "B": `npm test` exits with 0']);
    expect(planOf(removal).tasks[1]).toMatchObject({ weakened: true, verification: "not_run" });
    for (const [name, input, kind] of [
      ["update_tasks", { task_ids: ["2"], status: "cancelled" }, "cancelled"],
      ["delete_tasks", { task_ids: ["2"] }, "deleted"],
      ["clear_all", { confirm: true }, "deleted"],
      ["create_tasks", { section_title: "T", task_contents: ["b"] }, "made_anew"],
    ] as const) {
      const { details } = await callTool(taskTools, name, input, { plan });
      expect(details?.weakened, name).toMatchObject([{ kind }, { kind }]);
    }
  });

  it("are marked where a task is planned anew without them, and where another task takes its text", async () => {
    const plan = await made();
    const again = { section_title: "T", task_contents: [{ content: "  B ", checks: [npmTest] }] };
    const anew = planOf(await callTool(taskTools, "create_tasks", again, { plan }));
    expect(anew.tasks[2]).toMatchObject({ content: "B", weakened: true });
    const whole = { section_title: "T", task_contents: [{ content: "B", checks: [cart, npmTest, "make"] }] };
    const same = await callTool(taskTools, "create_tasks", whole, { plan });
    expect([planOf(same).tasks[2]?.weakened, same.details?.weakened]).toEqual([undefined, undefined]);
    const renamed = await callTool(taskTools, "update_tasks", { task_ids: ["1"], content: "B" }, { plan });
    expect(renamed.details?.weakened).toMatchObject([{ kind: "made_anew" }, { kind: "made_anew" }]);
  });

  it("are weakened with their section, and with another task that is cancelled beside a new one", async () => {
    const plan = await made();
    const [section] = plan.sections;
    const gone = await callTool(taskTools, "delete_tasks", { section_ids: [section?.id], confirm: true }, { plan });
    expect(gone.details?.weakened).toMatchObject([{ kind: "deleted" }, { kind: "deleted" }]);
    for (const checks of ["advise", "require"] as const) {
      const input = { task_ids: ["2"], status: "cancelled" };
      const { details, is_error } = await callTool(taskTools, "update_tasks", input, { plan, checks });
      expect([is_error, details?.weakened]).toMatchObject([false, [{ kind: "cancelled" }, { kind: "cancelled" }]]);
    }
  });

  it("are not weakened by a person, whatever they do", async () => {
    const plan = await made();
    const id = plan.tasks[1]?.id ?? "";
    const edit = editPlan(plan, [{ op: "update", task_ids: [id], remove_checks: ["1"] }]);
    expect(edit.ok && edit.plan.tasks[1]?.weakened).toBeUndefined();
    const anew = editPlan(plan, [{ op: "create", section_title: "T", task_contents: ["B"] }]);
    expect(anew.ok && anew.plan.tasks[2]?.weakened).toBeUndefined();
  });

  it("say nothing of checks where there are none", async () => {
    const plain = planOf(await callTool(taskTools, "create_tasks", { sections: [{ title: "S", tasks: ["A", "B"] }] }));
    expect(JSON.stringify(plain)).not.toMatch(/checks|verification|weakened/);
    const { content, details } = await callTool(taskTools, "delete_tasks", { task_ids: ["1"] }, { plan: plain });
    expect([content, JSON.stringify(details)].join()).not.toMatch(/check|weakened|recorded/);
  });

  it("have the same ids if the call is made again, and other ids in another call", async () => {
    const ids = async (tool_call_id: string) =>
      planOf(await callTool(taskTools, "create_tasks", { sections }, { tool_call_id })).tasks[1]?.checks?.map(
        ({ id }) => id,
      );
    const first = await ids("call_a");
    expect(new Set(first).size).toBe(2);
    expect(await ids("call_a")).toEqual(first);
    expect(await ids("call_b")).not.toEqual(first);
  });

  it("become a person's with the approval of the plan, and not with that of a command", async () => {
    const authors = (result: ToolResult) => planOf(result).tasks[1]?.checks?.map(({ author }) => author);
    const approved = await callTool(taskTools, "create_tasks", { sections }, { granted: "plan_approval" });
    expect(authors(approved)).toEqual(["person", "person"]);
    const permitted = await callTool(taskTools, "create_tasks", { sections }, { granted: "approval" });
    expect(authors(permitted)).toEqual(["model", "model"]);
  });
});

describe("what a person is asked about checks", () => {
  const approvals = { execute_command: ["npm *"] };

  it("is whether the server may run a new command, by the approvals of execute_command", async () => {
    const plan = await made();
    const asked = (run: string) => ask("update_tasks", { task_ids: ["1"], checks: [run] }, plan, { approvals });
    expect(asked("cd x && npm run build")).toMatchObject({
      reason: "approval",
      message: "update_tasks: $ cd x && npm run build",
      response_schema: { description: "The server would run this to check a task." },
    });
    expect(asked("make test")).toBeNull();
    // The plan has this text already: it was asked about when it was made.
    expect(asked("npm test")).toBeNull();
    const http = { type: "http", port: 3000, start: { run: "npm start" } };
    expect(
      ask("create_tasks", { section_title: "S", task_contents: [{ content: "C", checks: [http] }] }, plan, {
        approvals,
      })?.message,
    ).toBe("create_tasks: $ npm start");
    expect(ask("create_tasks", { sections: [{ title: "S", tasks: ["C"] }] }, plan, { approvals })).toBeNull();
  });

  it("is the plan with its checks, where the agent has plans approved", async () => {
    const asked = ask(
      "create_tasks",
      { sections },
      { version: 0, sections: [], tasks: [] },
      { plan_approval: true, approvals },
    );
    expect(asked).toMatchObject({
      reason: "plan_approval",
      message: "Please approve the plan: 1 section, 2 tasks, 2 checks.",
      response_schema: {
        properties: {
          sections: { default: sections, items: { properties: { tasks: { items: { anyOf: expect.anything() } } } } },
        },
      },
    });
    const more = ask(
      "create_tasks",
      { section_title: "S", task_contents: [{ content: "B", checks: [npmTest, "make"] }] },
      await made(),
      { plan_approval: true },
    );
    expect(more?.response_schema).toMatchObject({
      properties: {
        sections: { default: [{ title: "S", tasks: [{ content: "B", checks: [{ type: "command", run: "make" }] }] }] },
      },
    });
  });

  it("is a weakening, where the agent locks checks, and nothing else", async () => {
    const plan = await made();
    const locked = (name: string, input: unknown) => ask(name, input, plan, { checks: "locked" })?.message ?? null;
    expect(locked("update_tasks", { task_ids: ["2"], remove_checks: ["2"] })).toBe(
      'update_tasks: removes a check of "B": shop/server.js contains "/api/cart"',
    );
    const asked = ask("update_tasks", { task_ids: ["2"], remove_checks: ["2"] }, plan, { checks: "locked" });
    expect(asked?.response_schema.description).toBe(
      'This would weaken the checks of the plan: removes a check of "B": shop/server.js contains "/api/cart".',
    );
    expect(locked("clear_all", { confirm: true })).toContain('deletes "B" with its check: `npm test` exits with 0');
    expect(locked("delete_tasks", { task_ids: ["1"] })).toBeNull();
    expect(locked("update_tasks", { task_ids: ["1"], checks: ["make"] })).toBeNull();
    expect(ask("clear_all", { confirm: true }, plan, { checks: "require" })).toBeNull();
  });

  it("names each way of weakening, and says so beside a plan that is to be approved", async () => {
    const plan = await made();
    const [section] = plan.sections;
    const asked = (name: string, input: unknown, more: object = {}) =>
      String(ask(name, input, plan, { checks: "locked", ...more })?.response_schema.description);
    for (const [name, input, words] of [
      ["update_tasks", { task_ids: ["2"], remove_checks: ["1", "2"] }, 'removes a check of "B"'],
      ["update_tasks", { task_ids: ["2"], status: "cancelled" }, 'cancels "B"'],
      ["update_tasks", { task_ids: ["1"], content: "b" }, 'plans "B" anew'],
      ["delete_tasks", { task_ids: ["2"] }, 'deletes "B"'],
      ["delete_tasks", { section_ids: [section?.id], confirm: true }, 'deletes "B"'],
      ["clear_all", { confirm: true }, 'deletes "B"'],
      ["create_tasks", { section_title: "T", task_contents: ["B"] }, 'plans "B" anew'],
    ] as const) {
      const description = asked(name, input);
      expect(description, `${name} ${JSON.stringify(input)}`).toContain(`${words}`);
      expect(description.split("; ")).toHaveLength(2);
    }
    const anew = { section_title: "T", task_contents: ["B"] };
    expect(asked("create_tasks", anew, { plan_approval: true })).toContain('plans "B" anew without its check');
    expect(asked("create_tasks", { sections: [{ title: "S", tasks: ["C"] }] }, { plan_approval: true })).toBe(
      "undefined",
    );
  });

  it("is asked again if a person has added checks since the call was let through", async () => {
    const plan = await made();
    const input = { task_ids: ["1"] };
    const edit = editPlan(plan, [{ op: "update", task_ids: [plan.tasks[0]?.id ?? ""], checks: [cart] }]);
    const now = edit.ok ? edit.plan : plan;
    const result = await callTool(taskTools, "delete_tasks", input, { plan: now, checks: "locked" });
    expect(result).toMatchObject({ is_error: true, content: expect.stringContaining("only a person may weaken") });
    expect(result.plan).toBeUndefined();
    const granted = await callTool(taskTools, "delete_tasks", input, {
      plan: now,
      checks: "locked",
      granted: "approval",
    });
    expect(granted.is_error).toBe(false);
  });

  it("leaves a task unmarked if a person has agreed to what is removed", async () => {
    const plan = await made();
    const input = { task_ids: ["2"], remove_checks: ["1"] };
    const result = await callTool(taskTools, "update_tasks", input, { plan, checks: "locked", granted: "approval" });
    expect(planOf(result).tasks[1]?.weakened).toBeUndefined();
  });
});

it("the schemas of checks stay small for the model", () => {
  const sizes = ["create_tasks", "update_tasks"].map((name) => {
    const tool = taskTools.find((each) => each.name === name);
    return tool ? JSON.stringify(describeTool(tool).parameters).length : 0;
  });
  expect(sizes.every((size) => size > 0 && size < 2_300)).toBe(true);
});
