// Checks and a person's permission, over lives and runs: commands of checks, and what weakens them.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resultsOf } from "../../test/fakes/answered-thread.ts";
import { call, type Reply, say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { defineTool } from "../agent/tool.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { RunInput } from "../protocol/thread.ts";
import { taskTools } from "../tools/tasks.ts";
import { findRun } from "./life.ts";

const commandTool = defineTool({
  ...{ name: "execute_command", description: "Runs.", schema: z.object({ command: z.string() }), kind: "work" },
  ...{ read_only: false, recovery: "repeat", time_limit_ms: 1_000 },
  execute: async () => ({ content: "ok", is_error: false }),
});

const file = { type: "file", path: "a" };
const npmTest = { type: "command", run: "npm test" };
const create = (id: string, ...checks: object[]): Reply =>
  call({ id, name: "create_tasks", input: { sections: [{ title: "S", tasks: [{ content: "A", checks }] }] } });
const update = (id: string, input: object): Reply =>
  call({ id, name: "update_tasks", input: { task_ids: ["task_1"], ...input } });

function makeThread(agent: Partial<AgentConfig>, replies: Reply[], tools = [...taskTools, commandTool]) {
  return new FakeThread({ replies, tools, agent, defaultReply: say("done") });
}

const decide = (interrupt_id: string, payload: unknown): Partial<RunInput> => ({
  ...{ invocation_id: "inv_b", messages: [] },
  resume: [{ interrupt_id, status: "resolved", payload }],
});
const messages = (thread: FakeThread) => findRun(thread.life, "inv_a")?.run.interrupts.map(({ message }) => message);
const run = { invocation_id: "inv_a" };

describe("a command in a check", () => {
  const approvals = { execute_command: ["npm *"] };

  it("is asked about before the check is made, and stays the model's when it is approved", async () => {
    const thread = makeThread({ approvals }, [create("c1", npmTest, file)]);
    await thread.run("hi", run);
    expect(messages(thread)).toEqual(["create_tasks: $ npm test"]);
    expect(thread.life.state.plan.version).toBe(0);
    thread.crash();
    await thread.run("", decide("int_c1", { approved: true }));
    expect(thread.life.state.plan.tasks[0]?.checks).toMatchObject([
      { author: "model", spec: npmTest },
      { author: "model", spec: file },
    ]);
  });

  it("makes no task if it is declined", async () => {
    const thread = makeThread({ approvals }, [create("c1", npmTest)]);
    await thread.run("hi", run);
    await thread.run("", decide("int_c1", { approved: false }));
    expect(thread.life.state.plan.tasks).toEqual([]);
    expect(resultsOf(thread).c1).toMatch(/^declined/);
  });

  it("is refused where the agent has no commands, and other checks are not", async () => {
    const thread = makeThread({}, [create("c1", npmTest), create("c2", file)], taskTools);
    await thread.run("hi", run);
    expect(resultsOf(thread).c1).toContain("a check can't run one");
    expect(thread.life.state.plan.tasks[0]?.checks).toMatchObject([{ spec: file }]);
  });
});

describe("a locked check", () => {
  const removal = update("c2", { remove_checks: ["1"] });

  it("goes only if a person agrees, who is told what goes", async () => {
    const thread = makeThread({ checks: "locked" }, [create("c1", file), removal]);
    await thread.run("hi", run);
    expect(messages(thread)).toEqual(['update_tasks: removes a check of "A": a exists']);
    expect(thread.life.state.plan.tasks[0]?.checks).toHaveLength(1);
    thread.crash();
    await thread.run("", decide("int_c2", { approved: true }));
    const [task] = thread.life.state.plan.tasks;
    expect([task?.checks, task?.weakened]).toEqual([undefined, undefined]);
  });

  it("stays if the person declines", async () => {
    const thread = makeThread({ checks: "locked" }, [create("c1", file), removal]);
    await thread.run("hi", run);
    await thread.run("", decide("int_c2", { approved: false }));
    expect(thread.life.state.plan.tasks[0]?.checks).toHaveLength(1);
  });

  it("goes without a question where checks are not locked, and the task keeps the mark over lives", async () => {
    const thread = makeThread({}, [create("c1", file, { type: "git", clean: true }), removal]);
    await thread.run("hi", run);
    expect(messages(thread)).toEqual([]);
    thread.crash();
    expect(thread.life.state.plan.tasks).toMatchObject([{ weakened: true, checks: [{ spec: { type: "git" } }] }]);
  });
});
