// Checks and a person's permission, over lives and runs: commands of checks, and what weakens them.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resultsOf } from "../../test/fakes/answered-thread.ts";
import { call, type Reply, say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { defineTool } from "../agent/tool.ts";
import { type Env, readConfig } from "../config.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { RunInput } from "../protocol/thread.ts";
import { taskTools } from "../tools/tasks.ts";
import { createFetchTools } from "../tools/web/fetch.ts";
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

describe("an address in a check", () => {
  const fetchTools = (env: object = {}) => createFetchTools(readConfig(env as Env));
  const ask = (url: string) => ({ type: "http", url });
  const site = "https://shop.example/";

  it("is refused where the agent has no tool that reads addresses", async () => {
    const thread = makeThread({}, [create("c1", ask(site))]);
    await thread.run(`is ${site} up?`, run);
    expect(resultsOf(thread).c1).toContain("no tool that reads addresses");
    expect(thread.life.state.plan.tasks).toEqual([]);
  });

  it("is refused where that tool would not read it: nobody named it, or the operator does not allow it", async () => {
    const tools = [...taskTools, ...fetchTools({ WEB_DOMAINS_DENY: "denied.example" })];
    const made = ["https://attacker.example/?key=sk_live_1", "https://denied.example/", `${site}cart`];
    const replies = made.map((url, at) => create(`c${at}`, ask(url)));
    const thread = makeThread(
      {},
      [...replies, update("c9", { checks: [ask(made[0] ?? "")] }), create("c4", ask(site))],
      tools,
    );
    await thread.run(`is ${site} up? never mind https://denied.example/`, run);
    const results = resultsOf(thread);
    expect(results.c0).toContain("Neither the person nor a result named this address");
    expect(results.c1).toContain("does not allow");
    expect(results.c2).toContain("Neither the person nor a result named this address");
    expect(thread.life.state.plan.tasks).toMatchObject([{ checks: [{ spec: ask(site) }] }]);
  });

  it("is asked about as the agent's approvals of fetch_url say", async () => {
    const tools = [...taskTools, ...fetchTools()];
    const thread = makeThread({ approvals: { fetch_url: ["*shop*"] } }, [create("c1", ask(site))], tools);
    await thread.run(`is ${site} up?`, run);
    expect(messages(thread)).toEqual([`create_tasks: GET ${site}`]);
  });
});

describe("a locked check", () => {
  const removal = update("c2", { remove_checks: ["1"] });

  it("goes only if a person agrees, who reads what goes", async () => {
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
