import { describe, expect, it } from "vitest";
import { accepted, refused, shop, statuses } from "../../../test/fakes/plan-changes.ts";
import { newId } from "../../protocol/ids.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import {
  clearAll,
  createTasks,
  deleteTasks,
  MAX_PLAN_CHARACTERS,
  MAX_SECTIONS,
  MAX_TASK_CHARACTERS,
  MAX_TASKS,
  startDueTask,
  updateTasks,
} from "./rules.ts";
import { emptyPlan, openTasks, viewPlan } from "./view.ts";

describe("createTasks", () => {
  it("makes sections with pending tasks at version 1", () => {
    expect(shop()).toEqual({
      version: 1,
      sections: [
        { id: "sec_1", title: "Build" },
        { id: "sec_2", title: "Ship" },
      ],
      tasks: [
        { id: "task_1", content: "A", status: "pending", section_id: "sec_1" },
        { id: "task_2", content: "B", status: "pending", section_id: "sec_1" },
        { id: "task_3", content: "C", status: "pending", section_id: "sec_2" },
        { id: "task_4", content: "D", status: "pending", section_id: "sec_2" },
      ],
    });
  });

  it("appends to the section of the same title, whatever its case and surrounding space", () => {
    const plan = accepted(createTasks(shop(), { section_title: "  bUILD ", task_contents: ["E"] }));
    expect(plan.sections).toHaveLength(2);
    expect(openTasks(plan).map((task) => task.content)).toEqual(["A", "B", "E", "C", "D"]);
  });

  it("appends by section id, even where another section has the same title", () => {
    const twins: Plan = { ...shop(), sections: [...shop().sections, { id: "sec_9", title: "Build" }] };
    const plan = accepted(createTasks(twins, { section_id: "sec_9", task_contents: ["E"] }));
    expect(plan.tasks.at(-1)).toMatchObject({ content: "E", section_id: "sec_9" });
  });

  it("adds no task that is open in the section already, and returns the same plan", () => {
    const plan = shop();
    const again = { sections: [{ title: "build", tasks: [" A ", "B"] }] };
    expect(accepted(createTasks(plan, again))).toBe(plan);
    const more = {
      sections: [
        { title: "Build", tasks: ["A", "E"] },
        { title: "New", tasks: ["A"] },
      ],
    };
    const grown = accepted(createTasks(plan, more));
    expect(openTasks(grown).map((task) => task.content)).toEqual(["A", "B", "E", "C", "D", "A"]);
    expect(grown.version).toBe(2);
  });

  it("adds a task again if the earlier one has ended", () => {
    const plan = accepted(updateTasks(shop(), { task_ids: ["task_1"], status: "completed" }, "strict"));
    const again = accepted(createTasks(plan, { section_title: "Build", task_contents: ["A"] }));
    expect(openTasks(again).map((task) => task.content)).toEqual(["B", "A", "C", "D"]);
  });

  it("merges two sections of one call that share a title", () => {
    const sections = [
      { title: "One", tasks: ["a"] },
      { title: "ONE", tasks: ["b"] },
    ];
    expect(accepted(createTasks(emptyPlan, { sections })).sections).toHaveLength(1);
  });

  it("removes control characters and lone surrogates from what it stores", () => {
    const plan = accepted(createTasks(emptyPlan, { section_title: "a\u0000b", task_contents: [" x\ud800\u0007y\n"] }));
    expect(plan.sections[0]?.title).toBe("ab");
    expect(plan.tasks[0]?.content).toBe("x\ufffdy");
  });

  it.each([
    ["no tasks", {}, "create_tasks with"],
    ["no section", { task_contents: ["a"] }, "section_title or section_id"],
    ["both forms", { sections: [{ title: "S", tasks: ["a"] }], task_contents: ["b"] }, "not both"],
    ["an unknown section", { section_id: "sec_7", task_contents: ["a"] }, "sec_1"],
    ["a blank title", { section_title: " \n", task_contents: ["a"] }, "title"],
    ["a long title", { section_title: "t".repeat(201), task_contents: ["a"] }, "200"],
    ["a blank task", { section_title: "S", task_contents: ["a", " "] }, "not empty"],
    ["a section without tasks", { sections: [{ title: "S", tasks: [] }] }, "at least one task"],
    ["a long task", { section_title: "S", task_contents: ["x".repeat(MAX_TASK_CHARACTERS + 1)] }, "2000"],
    ["many tasks", { section_title: "S", task_contents: Array(MAX_TASKS).fill("x") }, "at most 500 tasks"],
    [
      "much text",
      { section_title: "S", task_contents: Array(MAX_PLAN_CHARACTERS / 1000).fill("x".repeat(1000)) },
      "60000 characters",
    ],
    [
      "many sections",
      { sections: Array.from({ length: MAX_SECTIONS }, (_, i) => ({ title: `S${i}`, tasks: ["a"] })) },
      "at most 50 sections",
    ],
  ])("refuses %s and says how to call it", (_, input, words) => {
    expect(refused(createTasks(shop(), input))).toContain(words);
  });
});

describe("ids", () => {
  const plan = shop((prefix) => newId(prefix));
  const [first, second] = plan.tasks;
  const complete = (id: string) => updateTasks(plan, { task_ids: [id], status: "completed" }, "strict");

  it("are understood in capitals, without their prefix, and cut short if that is unique", () => {
    const id = first?.id ?? "";
    for (const form of [id, id.toUpperCase(), id.slice(5), ` ${id} `, id.slice(0, -4)]) {
      expect(statuses(accepted(complete(form)))).toBe("completed pending pending pending");
    }
  });

  it("are not guessed from a prefix that tasks share, or from a number", () => {
    expect(refused(complete((second?.id ?? "").slice(0, 15)))).toContain("no task");
    expect(refused(complete("1"))).toContain("no task");
    expect(refused(complete("task_"))).toContain("no task");
  });
});

describe("deleteTasks and clearAll", () => {
  it("delete tasks, and leave their section", () => {
    const plan = accepted(deleteTasks(shop(), { task_ids: ["task_1", "task_2"] }));
    expect(viewPlan(plan)).toMatchObject({
      version: 2,
      total_sections: 2,
      total_tasks: 2,
      next_task: { id: "task_3" },
    });
  });

  it("delete a section with its tasks only when confirmed", () => {
    expect(refused(deleteTasks(shop(), { section_ids: ["sec_1"] }))).toContain('"confirm":true');
    const plan = accepted(deleteTasks(shop(), { section_ids: ["sec_1"], task_ids: ["task_4"], confirm: true }));
    expect(plan.sections.map((section) => section.id)).toEqual(["sec_2"]);
    expect(plan.tasks.map((task) => task.id)).toEqual(["task_3"]);
  });

  it("delete a section that has no tasks", () => {
    const bare: Plan = { version: 1, sections: [{ id: "sec_1", title: "S" }], tasks: [] };
    expect(accepted(deleteTasks(bare, { section_ids: ["sec_1"], confirm: true }))).toEqual({
      ...emptyPlan,
      version: 2,
    });
  });

  it("refuse unknown ids and empty calls", () => {
    expect(refused(deleteTasks(shop(), {}))).toContain("Nothing to delete");
    expect(refused(deleteTasks(shop(), { task_ids: ["task_1", "task_8"] }))).toContain("task_8");
    expect(refused(deleteTasks(emptyPlan, { section_ids: ["sec_1"], confirm: true }))).toContain("no sections yet");
  });

  it("clear everything only when confirmed, under the next version", () => {
    expect(refused(clearAll(shop(), {}))).toContain('{"confirm":true}');
    expect(accepted(clearAll(shop(), { confirm: true }))).toEqual({ version: 2, sections: [], tasks: [] });
    expect(accepted(clearAll(emptyPlan, { confirm: true }))).toBe(emptyPlan);
  });
});

describe("startDueTask", () => {
  it("starts the due task once", () => {
    const plan = startDueTask(shop());
    expect(plan).toMatchObject({ version: 2, tasks: [{ status: "in_progress" }, {}, {}, {}] });
    expect(plan && startDueTask(plan)).toBeNull();
    expect(startDueTask(emptyPlan)).toBeNull();
  });
});
