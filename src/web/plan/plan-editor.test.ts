import { describe, expect, it } from "vitest";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { PlanState } from "../../protocol/plan/task.ts";
import { ApiError } from "../client/api.ts";
import { type EditedThread, PlanEditor } from "./plan-editor.ts";
import { addTask, endTask } from "./plan-edits.ts";

const planOf = (version: number, ...ids: string[]) => ({
  version,
  sections: [
    { id: "s", title: "S", tasks: ids.map((id) => ({ id, content: id, status: "pending" as const, section_id: "s" })) },
  ],
  total_sections: 1,
  total_tasks: ids.length,
  completed_tasks: 0,
  next_task: null,
});

const conflict = new ApiError(409, "version_conflict", "changed");

/** `answers`: the server's answers to each PATCH, in order. */
function stage(answers: (ReturnType<typeof planOf> | ApiError)[], now = planOf(3, "a", "b")) {
  let plan: PlanState = now;
  const sent: { path: string; version?: number; operations?: PlanOperation[] }[] = [];
  const heard: string[] = [];
  const thread = {
    id: "t",
    view: { latest: () => ({ conversation: { state: { plan } } }) },
    takePlan: (next: PlanState) => {
      plan = next;
    },
    refresh: () => heard.push("refresh"),
  } as unknown as EditedThread;
  const api = {
    send: async <T>(_method: string, path: string, body?: object) => {
      sent.push({ path, ...body });
      if (path === "/v1/threads") return undefined as T;
      const answer = answers.shift();
      if (answer instanceof ApiError) throw answer;
      return answer as T;
    },
    getPlan: async () => planOf(7, "b"),
  };
  const editor = new PlanEditor(api, thread, {
    isBegun: () => now.version > 0 || heard.includes("begun"),
    begun: () => heard.push("begun"),
    unauthorized: () => heard.push("unauthorized"),
  });
  return { editor, sent, heard, plan: () => plan };
}

describe("an edit of the plan by a person", () => {
  it("is sent with the version that they saw, and its response becomes the plan", async () => {
    const { editor, sent, plan } = stage([planOf(4, "a", "b", "c")]);
    expect(await editor.edit(addTask("s", "c"))).toBe(true);
    expect(sent).toMatchObject([{ path: "/v1/threads/t/tasks", version: 3 }]);
    expect(plan().version).toBe(4);
    expect(editor.view.get()).toEqual({ pending: 0, problem: null });
  });

  it("waits for the one before it", async () => {
    const { editor, sent } = stage([planOf(4, "a"), planOf(5, "a")]);
    await Promise.all([editor.edit(addTask("s", "x")), editor.edit(addTask("s", "y"))]);
    expect(sent.map(({ version }) => version)).toEqual([3, 4]);
  });

  it("is made again on the new plan when the plan has changed", async () => {
    const { editor, sent } = stage([conflict, planOf(8, "b")]);
    expect(await editor.edit(endTask("b", "cancelled"))).toBe(true);
    expect(sent.map(({ version }) => version)).toEqual([3, 7]);
  });

  it("is not made again where the changed plan no longer allows it, and reports that", async () => {
    const { editor, sent } = stage([conflict]);
    expect(await editor.edit(endTask("a", "cancelled"))).toBe(false);
    expect(sent).toHaveLength(1);
    expect(editor.view.get().problem?.text).toMatch(/no longer applies/);
  });

  it("is given up after a second conflict, and reports that", async () => {
    const { editor, sent } = stage([conflict, conflict]);
    expect(await editor.edit(endTask("b", "cancelled"))).toBe(false);
    expect(sent).toHaveLength(2);
    expect(editor.view.get().problem?.text).toMatch(/changed at the same time/);
  });

  it("shows which rule refused it", async () => {
    const { editor } = stage([new ApiError(422, "invalid_operation", "operations[0] (update): no")]);
    expect(await editor.edit(endTask("b", "cancelled"))).toBe(false);
    expect(editor.view.get().problem?.detail).toBe("operations[0] (update): no");
  });

  it("creates a thread that does not exist yet", async () => {
    const { editor, sent, heard } = stage([planOf(1, "a"), planOf(2, "a", "b")], planOf(0));
    const begin = editor.edit(() => [{ op: "create", section_title: "S", task_contents: ["a"] }]);
    expect(await Promise.all([begin, editor.edit(addTask("s", "b"))])).toEqual([true, true]);
    const tasks = "/v1/threads/t/tasks";
    expect(sent.map(({ path }) => path)).toEqual(["/v1/threads", tasks, tasks]);
    expect(heard).toEqual(["begun", "refresh"]);
  });
});
