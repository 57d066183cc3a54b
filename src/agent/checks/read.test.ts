import { describe, expect, it } from "vitest";
import { createTasksInput, updateTasksInput } from "../plan/arguments.ts";
import { readChecks } from "./read.ts";

describe("readChecks", () => {
  it.each([
    ["a bare command", "npm test", { type: "command", run: "npm test" }],
    ["cmd", { cmd: "npm test", code: "0" }, { type: "command", run: "npm test", exit_code: 0 }],
    ["command for run", { type: "command", command: "npm test" }, { type: "command", run: "npm test" }],
    ["shell for command", { type: "shell", script: "x", expect: "ok" }, { type: "command", run: "x", contains: "ok" }],
    ["JSON in a text", '{"type":"file","path":"a"}', { type: "file", path: "a" }],
    ["a file without a type", { file: "a", contains: "b" }, { type: "file", path: "a", contains: "b" }],
    ["nulls and blanks", { type: "file", path: "a", contains: null, cwd: "" }, { type: "file", path: "a" }],
    [
      "the sandbox's own address",
      { type: "http", url: "http://localhost:3000/x?y=1", status_code: "200" },
      { type: "http", port: 3000, path: "/x?y=1", status: 200 },
    ],
    ["an address without a scheme", { url: "127.0.0.1:80" }, { type: "http", port: 80 }],
    ["a path for url", { port: "3000", url: "/x" }, { type: "http", port: 3000, path: "/x" }],
    ["a public address", { url: "https://example.com/" }, { type: "http", url: "https://example.com/" }],
    [
      "start as a text",
      { type: "http", port: 1, start: "npm start" },
      { type: "http", port: 1, start: { run: "npm start" } },
    ],
    [
      "start with command",
      { type: "http", port: 1, start: { command: "npm start", wait_seconds: 5 } },
      { type: "http", port: 1, start: { run: "npm start", wait_seconds: 5 } },
    ],
    ["a question", { question: "Good?" }, { type: "person", question: "Good?" }],
    ["git without a type", { clean: "true" }, { type: "git", clean: true }],
    ["one protected file", { run: "x", protected: "t" }, { type: "command", run: "x", protected: ["t"] }],
  ])("understands %s", (_, given, read) => {
    expect(readChecks(given)).toEqual([read]);
    expect(readChecks([given, given])).toEqual([read, read]);
  });

  it("takes nothing for nothing, and leaves what it can't read", () => {
    expect(readChecks(null)).toBeUndefined();
    expect(readChecks("")).toBeUndefined();
    expect(readChecks([7])).toEqual([7]);
  });
});

describe("the arguments of the plan's tools", () => {
  const checks = [{ type: "command", run: "npm test" }];

  it("take tasks with checks beside texts, also as JSON texts", () => {
    const tasks = ["a", { content: "b", checks }];
    for (const written of [tasks, JSON.stringify(tasks), ["a", { title: "b", checks: ["npm test"] }]])
      expect(createTasksInput.parse({ sections: [{ title: "S", tasks: written }] }).sections).toEqual([
        { title: "S", tasks },
      ]);
    expect(createTasksInput.parse({ section_title: "S", task_contents: [{ content: "b", checks }] })).toEqual({
      section_title: "S",
      task_contents: [{ content: "b", checks }],
    });
  });

  it("take the checks of a list of tasks, each with the number of its task", () => {
    const listed = [
      { task: 2, type: "command", run: "npm test" },
      { task: "1", path: "x" },
      { task: "b", clean: true },
    ];
    const tasks = [
      { content: "a", checks: [{ type: "file", path: "x" }] },
      { content: "b", checks: [...checks, { type: "git", clean: true }] },
    ];
    const section = { title: "S", tasks: ["a", "b"], checks: listed };
    expect(createTasksInput.parse({ sections: [section] })).toEqual({ sections: [{ title: "S", tasks }] });
    const appended = { section_title: "S", task_contents: ["a", "b"], checks: JSON.stringify(listed) };
    expect(createTasksInput.parse(appended)).toEqual({ section_title: "S", task_contents: tasks });
    const one = { section_title: "S", task_contents: ["b"], checks: "npm test" };
    expect(createTasksInput.parse(one)).toEqual({ section_title: "S", task_contents: [{ content: "b", checks }] });
  });

  it.each([[{ task: 3, path: "x" }], [{ path: "x" }], ["npm test"], [{ task: 0, path: "x" }]])(
    "say that a check names no task: %j",
    (check) => {
      const read = createTasksInput.safeParse({ sections: [{ title: "S", tasks: ["a", "b"], checks: [check] }] });
      expect(read.error?.issues).toMatchObject([
        { path: ["sections", 0, "checks"], message: expect.stringContaining('each check needs "task"') },
      ]);
    },
  );

  it("take a task without checks for its text", () => {
    const read = createTasksInput.parse({ sections: [{ title: "S", tasks: [{ content: "a", checks: [] }] }] });
    expect(read.sections?.[0]?.tasks).toEqual(["a"]);
  });

  it("read what is added and removed", () => {
    expect(
      updateTasksInput.parse({ task_id: "3", checks: "npm test", remove_checks: [1, "2", { id: "check_9" }] }),
    ).toEqual({
      task_ids: ["3"],
      checks,
      remove_checks: ["1", "2", "check_9"],
    });
    expect(updateTasksInput.parse({ task_ids: ["3"], remove_checks: 1, checks: [] })).toEqual({
      task_ids: ["3"],
      remove_checks: ["1"],
    });
  });

  it("leaves out the fields that a model fills in without meaning them", () => {
    const filled = { run: "", exit_code: 0, path: "shop.js", contains: "", port: 0, status: 0, clean: false };
    expect(readChecks([{ type: "file", ...filled, start: { run: "" }, question: "" }])).toEqual([
      { type: "file", path: "shop.js" },
    ]);
    expect(readChecks([{ type: "git", clean: false }])).toEqual([{ type: "git", clean: false }]);
  });
});
