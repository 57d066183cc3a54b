// Commands of checks that a person has approved, and protected files that change after that.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { resultsOf } from "../../../test/fakes/answered-thread.ts";
import { hashOf, MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { editPlan } from "../run/plan-edit.ts";

// A life that is ended logs it.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

const TESTS = "test/cart.test.ts";
const npmTest = { type: "command" as const, run: "npm test", protected: [TESTS] };
const done = (id: string): Reply =>
  call({ id, name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } });
const create: Reply = call({
  id: "c_plan",
  name: "create_tasks",
  input: { sections: [{ title: "S", tasks: [{ content: "A", checks: [npmTest] }] }] },
});

const decide = (invocation_id: string, interrupt_id: string, payload: unknown): Partial<RunInput> => ({
  ...{ invocation_id, messages: [] },
  resume: [{ interrupt_id, status: "resolved", payload }],
});
const asked = (thread: FakeThread, id: string) => findRun(thread.life, id)?.run.interrupts ?? [];

/** A task whose check a person has approved. */
async function newThread(...replies: Reply[]) {
  const place = new MemoryCheckPlace();
  place.files.set(TESTS, "expect(1)");
  place.deeds.set("npm test", { output: "1 passed\n" });
  const tools = [...taskTools, makeTool("execute_command")];
  const agent = { approvals: { execute_command: ["npm *"] } };
  const thread = new FakeThread({ replies: [create, ...replies], tools, agent, defaultReply: say("Done.") });
  Object.assign(thread.sandbox, { checks: place });
  await thread.run("go", { invocation_id: "inv_a" });
  return { thread, place };
}
const approvePlan = decide("inv_b", "int_c_plan", { approved: true });

describe("a check whose command was approved", () => {
  it("runs without a question as long as its protected files are as they were", async () => {
    const { thread, place } = await newThread(done("c_done"));
    await thread.run("", approvePlan);
    expect(place.started).toEqual(["npm test"]);
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ status: "completed", verification: "self_checked" });
  });

  it("is asked about again before it runs if one has changed, and no longer verifies when it passes", async () => {
    const { thread, place } = await newPersonsThread(done("c_done"));
    place.files.set(TESTS, "expect(0)");
    await thread.run("go on", { invocation_id: "inv_c" });
    expect(place.started).toEqual([]);
    expect(asked(thread, "inv_c")).toMatchObject([
      {
        message: `update_tasks: $ npm test\n~ ${TESTS}`,
        checks: [{ spec: npmTest, files: [{ path: TESTS, hash: hashOf("expect(0)") }] }],
        response_schema: { description: expect.stringContaining(`Changed since it was approved: "${TESTS}".`) },
      },
    ]);
    thread.crash();
    await thread.run("", decide("inv_d", "int_c_done", { approved: true }));
    expect(place.started).toEqual(["npm test"]);
    expect(thread.life.state.plan.tasks[0]).toMatchObject({
      ...{ status: "completed", verification: "self_checked" },
      checks: [{ author: "person", approved: [{ path: TESTS, hash: hashOf("expect(0)") }], result: { altered: true } }],
    });
  });

  it("does not run if a file changes between the question and the answer", async () => {
    const { thread, place } = await newPersonsThread(done("c_done"));
    place.files.set(TESTS, "expect(0)");
    await thread.run("go on", { invocation_id: "inv_c" });
    place.files.set(TESTS, "process.exit(0)");
    await thread.run("", decide("inv_d", "int_c_done", { approved: true }));
    expect(place.started).toEqual([]);
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ verification: "not_run" });
    expect(resultsOf(thread).c_done).toContain(`\\"${TESTS}\\" has changed since they approved its command`);
  });

  it("stays where it is if the person declines, and no task closes", async () => {
    const { thread, place } = await newPersonsThread(done("c_done"));
    place.files.set(TESTS, "expect(0)");
    await thread.run("go on", { invocation_id: "inv_c" });
    await thread.run("", decide("inv_d", "int_c_done", { approved: false }));
    expect(place.started).toEqual([]);
    expect(thread.life.state.plan.tasks[0]?.status).not.toBe("completed");
  });

  it("is asked about once for a change, however often it fails with it", async () => {
    const { thread, place } = await newPersonsThread(done("c_one"), done("c_two"));
    place.deeds.set("npm test", { exit_code: 1, output: "1 failed\n" });
    place.files.set(TESTS, "expect(0)");
    await thread.run("go on", { invocation_id: "inv_c" });
    await thread.run("", decide("inv_d", "int_c_one", { approved: true }));
    expect(asked(thread, "inv_d")).toEqual([]);
    expect(place.started).toEqual(["npm test", "npm test"]);
  });
});

/** The check is the person's own, and was hashed when the model began with the task. The model's own plan is declined. */
async function newPersonsThread(...replies: Reply[]) {
  const start = call({ id: "c_start", name: "update_tasks", input: { task_ids: ["task_1"], status: "in_progress" } });
  const made = await newThread(start, ...Array.from({ length: 4 }, () => say("I wait.")), ...replies);
  await givePerson(made.thread);
  await made.thread.run("", decide("inv_b", "int_c_plan", { approved: false }));
  return made;
}

/** The same check, as the person's own: the model's plan is declined then. */
async function givePerson(thread: FakeThread): Promise<void> {
  const operations = [
    { op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks: [npmTest] }] },
  ];
  await editPlan(thread.life, { request_id: "one", version: null, operations });
}
