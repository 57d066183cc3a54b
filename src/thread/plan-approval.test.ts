import { describe, expect, it } from "vitest";
import { refusalOf, resultsOf } from "../../test/fakes/answered-thread.ts";
import { call, type Reply, say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import type { RunInput } from "../protocol/thread.ts";
import { taskTools } from "../tools/tasks.ts";
import { findRun } from "./life.ts";

const run = { invocation_id: "inv_a" };

function approve(interrupt_id: string, more = {}): Partial<RunInput> {
  return decide(interrupt_id, { approved: true, ...more });
}

function decide(interrupt_id: string, payload: unknown): Partial<RunInput> {
  return { invocation_id: "inv_b", messages: [], resume: [{ interrupt_id, status: "resolved", payload }] };
}

describe("a plan that a person approves", () => {
  const sections = [
    { title: "Build", tasks: ["front", "back"] },
    { title: "Test", tasks: ["all of it"] },
  ];
  const plans = (id: string, input: unknown = { sections }): Reply => call({ id, name: "create_tasks", input });
  const last: Reply[] = Array.from({ length: 5 }, () => say("done"));

  function planThread(...replies: Reply[]): FakeThread {
    return new FakeThread({ replies: [...replies, ...last], tools: taskTools, agent: { plan_approval: true } });
  }
  const contents = (thread: FakeThread) => thread.life.state.plan.tasks.map(({ content }) => content);

  it("is sent as a form that has the plan, and is not stored as the plan before the approval", async () => {
    const thread = planThread(plans("p1"));
    await thread.run("hi", run);
    expect(findRun(thread.life, "inv_a")?.run.interrupts).toMatchObject([
      {
        id: "int_p1",
        reason: "plan_approval",
        message: "Please approve the plan: 2 sections, 3 tasks.",
        response_schema: { properties: { sections: { default: sections } } },
      },
    ]);
    expect(thread.life.state.plan.version).toBe(0);
    await thread.run("", approve("int_p1"));
    expect(contents(thread)).toEqual(["front", "back", "all of it"]);
  });

  it("is stored as the person changed it, and the model works from it", async () => {
    const thread = planThread(plans("p1"));
    await thread.run("hi", run);
    const changed = [
      { title: "Test", tasks: ["all of it", "twice"] },
      { title: "Build", tasks: ["back"] },
    ];
    await thread.run("", approve("int_p1", { sections: changed }));
    expect(thread.life.state.plan.sections.map(({ title }) => title)).toEqual(["Test", "Build"]);
    expect(contents(thread)).toEqual(["all of it", "twice", "back"]);
    expect(JSON.parse(resultsOf(thread).p1 ?? "")).toMatchObject({
      total_tasks: 3,
      next_task: { id: "task_1", content: "all of it" },
      sections: [
        { id: "sec_1", title: "Test", tasks: [{ id: "task_1", content: "all of it" }, { content: "twice" }] },
        { id: "sec_2", title: "Build", tasks: [{ id: "task_3", content: "back" }] },
      ],
      note: expect.stringContaining("changed the plan before approving"),
    });
    expect(thread.requests[1]?.reminder).toContain("The person changed the plan");
  });

  it("makes its checks the person's, as it was proposed or as they changed it", async () => {
    const file = { type: "file", path: "a" };
    const git = { type: "git", clean: true };
    const proposed = [{ title: "Build", tasks: ["front", { content: "back", checks: [file, git] }] }];
    const changed = [{ title: "Build", tasks: [{ content: "front", checks: [file] }, "back"] }];
    const checksOf = (thread: FakeThread) =>
      thread.life.state.plan.tasks.map(({ checks }) => checks?.map(({ author, spec }) => [author, spec]));
    const thread = planThread(plans("p1", { sections: proposed }));
    await thread.run("hi", run);
    expect(findRun(thread.life, "inv_a")?.run.interrupts).toMatchObject([
      {
        message: "Please approve the plan: 1 section, 2 tasks, 2 checks.",
        response_schema: { properties: { sections: { default: proposed } } },
      },
    ]);
    const other = planThread(plans("p1", { sections: proposed }));
    await other.run("hi", run);
    await thread.run("", approve("int_p1"));
    expect(checksOf(thread)).toEqual([
      undefined,
      [
        ["person", file],
        ["person", git],
      ],
    ]);
    await other.run("", approve("int_p1", { sections: changed }));
    expect(checksOf(other)).toEqual([[["person", file]], undefined]);
  });

  it("is not stored if it was declined, and the next plan needs approval again", async () => {
    const thread = planThread(plans("p1"), plans("p2", { sections: sections.slice(1) }));
    await thread.run("hi", run);
    const { events } = await thread.run("", decide("int_p1", { approved: false, reason: "no backend" }));
    expect(resultsOf(thread).p1).toMatch(/^declined: .*no backend$/);
    expect(thread.life.state.plan.version).toBe(0);
    expect(events.at(-1)).toMatchObject({ outcome: { interrupts: [{ id: "int_p2" }] } });
  });

  it.each([
    ["nothing", [], /^invalid_operation/],
    ["a text", "all", /^invalid_operation/],
    ["a section without tasks", [{ title: "a", tasks: [] }], /^invalid_operation/],
    ["a blank task", [{ title: "a", tasks: [" "] }], /^invalid_operation: .*not empty/],
    ["501 tasks", [{ title: "a", tasks: Array.from({ length: 501 }, (_, at) => `t${at}`) }], /: .*500 tasks/],
  ])("can't be changed into %s", async (_name, changed, refusal) => {
    const thread = planThread(plans("p1"));
    await thread.run("hi", run);
    expect(await refusalOf(thread, approve("int_p1", { sections: changed }))).toMatch(refusal);
  });

  it("is asked about only for its new tasks, in the person's language", async () => {
    const more = { section_title: "build", task_contents: ["数据库"] };
    const thread = planThread(plans("p1"), plans("p2", more));
    await thread.run("hi", run);
    const { events } = await thread.run("", approve("int_p1"));
    expect(events.at(-1)).toMatchObject({
      outcome: {
        interrupts: [
          {
            message: "请确认计划：1 个阶段，1 项任务。",
            responseSchema: { properties: { sections: { default: [{ title: "Build", tasks: ["数据库"] }] } } },
          },
        ],
      },
    });
  });

  it("is refused to the model if it breaks the rules, and nobody is asked", async () => {
    const thread = planThread(plans("p1", { task_contents: ["homeless"] }));
    const { events } = await thread.run("hi", run);
    expect(events.at(-1)).toMatchObject({ outcome: { type: "success" } });
    expect(resultsOf(thread).p1).toContain("section_title");
  });
});
