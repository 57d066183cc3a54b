import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { clearAllInput, createTasksInput, deleteTasksInput, updateTasksInput } from "./arguments.ts";

const sections = [{ title: "S", tasks: ["a", "b"] }];

describe("createTasksInput", () => {
  it.each([
    ["the form that is described", { sections }],
    ["a JSON string for the sections", { sections: JSON.stringify(sections) }],
    ["a JSON string for all", JSON.stringify({ sections })],
    ["one section for a list", { sections: sections[0] }],
    ["a JSON string for each section", { sections: [JSON.stringify(sections[0])] }],
    ["a JSON string for the tasks", { sections: [{ title: "S", tasks: '["a","b"]' }] }],
    ["tasks as objects", { sections: [{ title: "S", tasks: [{ content: "a" }, { title: "b" }] }] }],
    ["name for title", { sections: [{ name: "S", tasks: ["a", "b"] }] }],
    ["nulls and blanks beside it", { sections, section_title: null, section_id: "", task_contents: [] }],
    ["fields that nobody asked for", { sections, thoughts: "…" }],
  ])("understands %s", (_, input) => {
    expect(createTasksInput.parse(input)).toEqual({ sections });
  });

  it.each([
    ["section_title with task_contents", { section_title: "S", task_contents: ["a"] }],
    ["a single task", { section_title: "S", task_contents: "a" }],
    ["tasks and title", { title: "S", tasks: ["a"] }],
  ])("understands %s", (_, input) => {
    expect(createTasksInput.parse(input)).toEqual({ section_title: "S", task_contents: ["a"] });
  });

  it("reads a single text as one task, not as letters", () => {
    expect(createTasksInput.parse({ sections: [{ title: "S", tasks: "abc" }] }).sections?.[0]?.tasks).toEqual(["abc"]);
  });

  it.each([
    ["numbers for texts", { sections: [{ title: "S", tasks: [1] }] }, "sections.0.tasks.0"],
    ["a section without tasks", { sections: [{ title: "S" }] }, "sections.0.tasks"],
    ["a section without title", { sections: [{ tasks: ["a"] }] }, "sections.0.title"],
    ["a sentence for sections", { sections: "do it" }, "sections.0"],
    ["broken JSON", { sections: '[{"title":' }, "sections.0"],
  ])("refuses %s and says where", (_, input, path) => {
    expect(createTasksInput.safeParse(input).error?.issues[0]?.path.join(".")).toBe(path);
  });

  it("prefers the right name of a field over another name for it", () => {
    expect(createTasksInput.parse({ task_contents: ["a"], tasks: ["z"], section_title: "S", title: "Z" })).toEqual({
      section_title: "S",
      task_contents: ["a"],
    });
  });
});

describe("updateTasksInput", () => {
  it("reads no more ids than it takes to refuse them", () => {
    const ranges = Array.from({ length: 2_000 }, () => "task_1 to task_500");
    const read = vi.spyOn(Array, "from");
    for (const task_ids of [ranges, [ranges.join(",")]]) {
      expect(updateTasksInput.safeParse({ task_ids, status: "done" }).error?.issues[0]?.code).toBe("too_big");
    }
    expect(read.mock.calls.length).toBeLessThan(10);
    read.mockRestore();
  });

  it.each([
    ["done", "completed"],
    ["Complete", "completed"],
    ["FINISHED", "completed"],
    ["已完成", "completed"],
    ["in-progress", "in_progress"],
    ["In Progress", "in_progress"],
    ["doing", "in_progress"],
    ["进行中", "in_progress"],
    ["canceled", "cancelled"],
    ["取消", "cancelled"],
    ["todo", "pending"],
    ["待办", "pending"],
  ])("reads the status %s as %s", (word, status) => {
    expect(updateTasksInput.parse({ task_ids: ["task_1"], status: word })).toEqual({ task_ids: ["task_1"], status });
  });

  it.each([
    ["a single id", { task_ids: "task_1" }],
    ["a JSON string", { task_ids: '["task_1"]' }],
    ["task_id", { task_id: "task_1" }],
    ["objects with an id", { task_ids: [{ id: "task_1" }] }],
  ])("understands %s for the ids", (_, input) => {
    expect(updateTasksInput.parse({ ...input, status: "completed" }).task_ids).toEqual(["task_1"]);
  });

  it("reads a bare number as an id", () => {
    expect(updateTasksInput.parse({ task_ids: [1, "2"], status: "done" }).task_ids).toEqual(["1", "2"]);
    expect(updateTasksInput.parse({ task_ids: 3, status: "done" }).task_ids).toEqual(["3"]);
  });

  it.each([
    ["task_1, task_2", ["task_1", " task_2"]],
    ["task_1,", ["task_1"]],
    ["task_2 to task_4", ["task_2", "task_3", "task_4"]],
    ["task_1、task_3 到 task_4", ["task_1", "task_3", "task_4"]],
    ["task_4 to task_2", ["task_4 to task_2"]],
    ["task_1 to task_999999999", ["task_1 to task_999999999"]],
    ["task_1 to sec_3", ["task_1 to sec_3"]],
  ])("reads several ids in one text: %s", (text, ids) => {
    expect(updateTasksInput.parse({ task_ids: text, status: "done" }).task_ids).toEqual(ids);
  });

  it("refuses fractions as ids, missing ids, and unknown statuses", () => {
    expect(updateTasksInput.safeParse({ task_ids: [1.5], status: "done" }).success).toBe(false);
    expect(updateTasksInput.safeParse({ task_ids: [], status: "done" }).success).toBe(false);
    expect(updateTasksInput.safeParse({ task_ids: ["a"], status: "constructor" }).success).toBe(false);
    expect(updateTasksInput.safeParse({ task_ids: ["a"], status: 3 }).success).toBe(false);
  });

  it("ignores blank fields beside the one that is meant", () => {
    expect(updateTasksInput.parse({ task_ids: ["a"], status: "done", content: "", section_id: null })).toEqual({
      task_ids: ["a"],
      status: "completed",
    });
    expect(updateTasksInput.parse({ task_ids: ["a"], status: "", content: "x" }).status).toBeUndefined();
  });
});

describe("deleteTasksInput and clearAllInput", () => {
  it("read texts as booleans and single ids as lists", () => {
    expect(deleteTasksInput.parse({ section_id: "sec_1", confirm: "true" })).toEqual({
      section_ids: ["sec_1"],
      confirm: true,
    });
    expect(clearAllInput.parse({ confirm: "False" })).toEqual({ confirm: false });
    expect(clearAllInput.safeParse({ confirm: "sure" }).success).toBe(false);
    expect(clearAllInput.safeParse([]).success).toBe(false);
  });
});

it("describes plain objects to a model, without the lenient forms", () => {
  for (const schema of [createTasksInput, updateTasksInput, deleteTasksInput, clearAllInput]) {
    expect(z.toJSONSchema(schema, { io: "input" })).toMatchObject({ type: "object" });
  }
});
