// What weakens a plan's checks, over runs and lives: the model's ways are recorded or asked about, and a person who takes
// a turn back takes its weakening back, too.
import { describe, expect, it } from "vitest";
import { again, page } from "../../../test/fakes/asked-again.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readMessagePage } from "../rows/reads.ts";

const checks = [
  { type: "file", path: "a" },
  { type: "git", clean: true },
];
const create = (tasks: unknown[]): Reply =>
  call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });
const planned = create([{ content: "A", checks }]);
const use = (name: string, input: object): Reply => call({ id: "c_use", name, input });
const idle = Array.from({ length: 4 }, () => say("I wait."));

const ways: [string, Reply][] = [
  ["remove_checks", use("update_tasks", { task_ids: ["1"], remove_checks: ["1"] })],
  ["cancel", use("update_tasks", { task_ids: ["1"], status: "cancelled" })],
  ["delete", use("delete_tasks", { task_ids: ["1"] })],
  ["delete its section", use("delete_tasks", { section_ids: ["sec_1"], confirm: true })],
  ["clear", use("clear_all", { confirm: true })],
  ["plan it anew", use("create_tasks", { section_title: "T", task_contents: ["A"] })],
];

async function newThread(agent: Partial<AgentConfig>, ...replies: Reply[]): Promise<FakeThread> {
  const thread = new FakeThread({
    replies: [planned, ...idle, ...replies],
    tools: taskTools,
    agent,
    defaultReply: say("Done."),
  });
  await thread.run("plan", { invocation_id: "inv_a" });
  return thread;
}

const planOf = ({ life }: FakeThread) => life.state.plan;
const recordOf = (thread: FakeThread) => {
  const read = readMessagePage(thread.life, { ...page, types: ["tool"] });
  const rows = read.ok ? read.value.data : [];
  return rows.findLast(({ metadata }) => JSON.stringify(metadata).includes("weakened"))?.metadata;
};

describe.each(ways)("the model that would %s", (name, way) => {
  it("is asked about, and changes nothing before, where checks are locked", async () => {
    const thread = await newThread({ checks: "locked" }, way);
    const before = planOf(thread);
    await thread.run("go", { invocation_id: "inv_b" });
    const [asked, ...more] = findRun(thread.life, "inv_b")?.run.interrupts ?? [];
    expect([name, asked?.reason, more]).toEqual([name, "approval", []]);
    expect(asked?.response_schema.description).toMatch(/^This would weaken the checks of the plan: /);
    expect(planOf(thread).tasks.map(({ content, checks }) => [content, checks])).toEqual(
      before.tasks.map(({ content, checks }) => [content, checks]),
    );
  });

  it("does it where they are not, and it is recorded with the call over lives", async () => {
    for (const mode of ["require", "advise"] as const) {
      const thread = await newThread({ checks: mode }, way);
      await thread.run("go", { invocation_id: "inv_b" });
      expect(findRun(thread.life, "inv_b")?.run.interrupts).toEqual([]);
      thread.crash();
      expect([name, mode, recordOf(thread)]).toMatchObject([name, mode, { details: { weakened: expect.any(Array) } }]);
    }
  });
});

it("a turn that is asked again takes its weakening back: the check is there, and the task is not marked", async () => {
  const [, way] = ways[0] ?? [];
  if (way === undefined) throw new Error("no way");
  const thread = await newThread({}, way, ...idle);
  await thread.run("go", { invocation_id: "inv_b", messages: [{ message_id: "msg_b", content: "go" }] });
  expect(planOf(thread).tasks[0]).toMatchObject({ weakened: true, checks: [{ spec: checks[1] }] });
  await thread.run("", again("msg_b", { invocation_id: "inv_c" }));
  expect(planOf(thread).tasks[0]?.checks?.map(({ spec }) => spec)).toEqual(checks);
  expect(planOf(thread).tasks[0]).not.toHaveProperty("weakened");
});
