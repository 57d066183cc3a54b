// Several calls in one message, of which some change the plan: a call after a change belongs to the task that is due
// then, and a kill between any two of them changes nothing about that.

import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { defineTool, type Tool } from "../../agent/tool.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { peopleTools } from "../../tools/people.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { editPlan } from "./plan-edit.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };
const sections = [{ title: "S", tasks: ["A", "B", "C", "D"] }];

// A life that is ended logs it, many times here.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** A call, and for work what a person does while it runs. */
interface Call {
  name: string;
  input: Record<string, unknown>;
}

const work = (edit = "none"): Call => ({ name: "work", input: { edit } });
const fails = (): Call => ({ name: "work", input: { edit: "none", fails: true } });
const look = (): Call => ({ name: "look", input: {} });
const done = (...task_ids: string[]): Call => ({ name: "update_tasks", input: { task_ids, status: "completed" } });
const start = (id: string): Call => ({ name: "update_tasks", input: { task_ids: [id], status: "in_progress" } });
const more = (title: string): Call => ({ name: "create_tasks", input: { section_title: title, task_contents: ["E"] } });

/** What a person does to the plan. Tasks are named by their text, since ids differ from run to run. */
function operationsOf(edit: string, idOf: (content: string) => string): PlanOperation[] {
  const update = (content: string, change: object) => [{ op: "update" as const, task_ids: [idOf(content)], ...change }];
  switch (edit) {
    case "add first":
      return [
        { op: "create", section_title: "S", task_contents: ["P"] },
        { op: "update", task_ids: [], position: 0 },
      ];
    case "cancel A":
      return update("A", { status: "cancelled" });
    case "cancel B":
      return update("B", { status: "cancelled" });
    case "C before B":
      return update("C", { position: 1 });
    case "reword D":
      return update("D", { content: "D!" });
    case "delete B":
      return [{ op: "delete", task_ids: [idOf("B")] }];
    default:
      return [];
  }
}

class Person {
  thread: FakeThread | null = null;
  #edits = new Set<string>();

  /** Once for each call, whichever life makes it. */
  async edit(call_id: string, edit: string): Promise<void> {
    if (this.thread === null || edit === "none" || this.#edits.has(call_id)) return;
    const { life } = this.thread;
    const idOf = (content: string) => life.state.plan.tasks.find((task) => task.content === content)?.id ?? "none";
    for (const operation of operationsOf(edit, idOf)) {
      const operations = [
        operation.op === "update" && operation.task_ids.length === 0
          ? { ...operation, task_ids: [idOf("P")] }
          : operation,
      ];
      await editPlan(life, { request_id: `${call_id} ${operation.op}`, version: null, operations });
    }
    this.#edits.add(call_id);
  }
}

function toolsFor(person: Person): Tool[] {
  const common = { kind: "work", recovery: "repeat", time_limit_ms: 10_000 } as const;
  return [
    ...taskTools,
    ...peopleTools,
    defineTool({
      ...common,
      name: "work",
      description: "Works.",
      schema: z.object({ edit: z.string(), fails: z.boolean().optional() }),
      read_only: false,
      execute: async ({ edit, fails: isFailing = false }, { tool_call_id }) => {
        await person.edit(tool_call_id, edit);
        return { content: isFailing ? "it failed" : "worked", is_error: isFailing };
      },
    }),
    defineTool({
      ...common,
      name: "look",
      description: "Looks.",
      schema: z.object({}),
      read_only: true,
      execute: async () => ({ content: "seen", is_error: false }),
    }),
  ];
}

/** Plans, makes the calls in one message, and says that it is done until the run ends. */
function script(calls: Call[]): Reply {
  const message = call(...calls.map(({ name, input }, at) => ({ id: `c${at}`, name, input })));
  const plan = call({ id: "c_plan", name: "create_tasks", input: { sections } });
  return (request, onDelta, signal) => {
    const made = request.messages.filter(({ role, ...rest }) => role === "assistant" && "tool_calls" in rest).length;
    return ([plan, message][made] ?? say("Done."))(request, onDelta, signal);
  };
}

interface Ended {
  results: Record<string, string>;
  /** By call, the text of the task that it belongs to. */
  tasks: Record<string, string>;
  plan: string[];
  is_over: boolean;
  text: string;
}

function read(thread: FakeThread): Ended {
  const rows = rowsOfType(readMessages(thread.life.database.sql, thread.life.thread, 0, 1000), "tool");
  const { plan } = thread.life.state;
  const textOf = new Map(plan.tasks.map(({ id, content }) => [id, content]));
  const entries = rows.map(
    ({ content, metadata }) => [content.tool_call_id, content.content, metadata.task_id] as const,
  );
  return {
    results: Object.fromEntries(entries.map(([id, content]) => [id, content])),
    tasks: Object.fromEntries(
      entries.flatMap(([id, , task]) => (typeof task === "string" ? [[id, textOf.get(task) ?? "deleted"]] : [])),
    ),
    plan: plan.tasks.map(({ number, content, status }) => `${number} ${content} ${status}`),
    text: findRun(thread.life, "inv_a")?.run.result?.text ?? "",
    is_over: ["completed", "failed", "interrupted"].includes(findRun(thread.life, "inv_a")?.run.status ?? ""),
  };
}

function threadFor(
  calls: Call[],
  person: Person,
  agent: Partial<AgentConfig>,
  dies?: FakeThreadOptions["dies"],
): FakeThread {
  const options = { defaultReply: script(calls), tools: toolsFor(person), agent, ...(dies && { dies }) };
  const thread = new FakeThread(options);
  person.thread = thread;
  return thread;
}

async function play(calls: Call[], agent: Partial<AgentConfig>, dies?: FakeThreadOptions["dies"]): Promise<Ended> {
  const thread = threadFor(calls, new Person(), agent, dies);
  await thread.accept("go", run).catch(() => {});
  for (let turns = 0; turns < 2_000; turns++) {
    if (!thread.isAlive) {
      thread.crash();
      if (findRun(thread.life, "inv_a") === null) await thread.accept("go", run);
      ensureRunning(thread.life);
    }
    const ended = thread.isAlive && thread.life.active === null;
    if (ended) return read(thread);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the run does not end");
}

const tasksOf = async (calls: Call[], agent: Partial<AgentConfig> = {}) => (await play(calls, agent)).tasks;

describe("a call after a change of the plan in the same message", () => {
  it("belongs to the next task, which it starts", async () => {
    const { tasks, plan, results } = await play([work(), done("task_1"), work(), look()], {});
    expect(tasks).toEqual({ c0: "A", c2: "B", c3: "B" });
    expect(plan).toEqual(["1 A completed", "2 B in_progress", "3 C pending", "4 D pending"]);
    expect(Object.keys(results)).toEqual(["c_plan", "c0", "c1", "c2", "c3"]);
  });

  it("belongs to the task after several, each ended by its own call", async () => {
    expect(await tasksOf([work(), done("task_1"), work(), done("task_2"), work()])).toEqual({
      c0: "A",
      c2: "B",
      c4: "C",
    });
  });

  it("belongs to the task that it starts out of order, where that is allowed", async () => {
    const calls = [work(), done("task_1"), start("task_3"), work()];
    expect(await tasksOf(calls, { plan_order: "free" })).toEqual({ c0: "A", c3: "C" });
    expect(await tasksOf(calls)).toEqual({ c0: "A", c3: "B" });
  });

  it("still belongs to the old task if the change was refused or challenged", async () => {
    expect(await tasksOf([work(), done("task_9"), work()])).toEqual({ c0: "A", c2: "A" });
    const { tasks, plan } = await play([done("task_1"), work()], { evidence: "challenge" });
    expect(tasks).toEqual({ c1: "A" });
    expect(plan[0]).toBe("1 A in_progress");
  });

  it("waits with all behind it for a person who has to approve it, and sees which tasks it names", async () => {
    const thread = threadFor([work(), done("task_1"), work("late")], new Person(), {
      approvals: { update_tasks: ["*"] },
    });
    await thread.run("go", run);
    const [question] = findRun(thread.life, "inv_a")?.run.interrupts ?? [];
    expect(question?.message).toBe('update_tasks: {"task_ids":["task_1"],"status":"completed"}\ntask_1 ("A")');
    expect(read(thread)).toMatchObject({ tasks: { c0: "A" }, results: { c2: expect.stringMatching(/^not executed/) } });
    const resume = [{ interrupt_id: question?.id ?? "", status: "resolved" as const, payload: true }];
    await thread.run("", { invocation_id: "inv_b", messages: [], resume });
    expect(read(thread).plan[0]).toBe("1 A completed");
  });

  it("belongs to the next task also if it waits for approval itself", async () => {
    const thread = threadFor([work(), done("task_1"), work("late")], new Person(), { approvals: { work: ["late"] } });
    await thread.run("go", run);
    const [question] = findRun(thread.life, "inv_a")?.run.interrupts ?? [];
    const resume = [{ interrupt_id: question?.id ?? "", status: "resolved" as const, payload: true }];
    await thread.run("", { invocation_id: "inv_b", messages: [], resume });
    expect(read(thread).tasks).toEqual({ c0: "A", c2: "B" });
  });

  it("does not end the run if the change was refused", async () => {
    const end = { name: "complete", input: { summary: "All done." } };
    const refused = await play([work(), done("task_2"), end], {});
    expect(refused.results.c2).toMatch(/^not executed: a change of the task list/);
    const ids = ["task_1", "task_2", "task_3", "task_4"];
    const accepted = await play([work(), done(...ids), end], {});
    expect(accepted.results).toMatchObject({ c2: "The run ends here." });
    expect(accepted.text).toBe("All done.");
  });

  it("finds the evidence of calls before it in the same message", async () => {
    const { plan } = await play([work(), done("task_1"), work(), done("task_2")], { evidence: "challenge" });
    expect(plan.slice(0, 2)).toEqual(["1 A completed", "2 B completed"]);
  });

  it("is not taken for the answer to a challenge that the model has not read", async () => {
    const { plan, results } = await play([done("task_1"), done("task_1")], { evidence: "challenge" });
    expect(results.c1).toMatch(/^Nothing was changed/);
    expect(plan[0]).toBe("1 A pending");
  });

  it("starts no task that a person has put before the one that the model means", async () => {
    const { tasks, plan } = await play([work("add first"), done("task_1"), work()], {});
    expect(tasks).toEqual({ c0: "A", c2: "B" });
    expect(plan.filter((task) => task.includes("in_progress"))).toEqual([]);
    expect(await tasksOf([work("C before B"), done("task_1"), work()])).toEqual({ c0: "A", c2: "B" });
  });

  it("goes on with the task that the model knows is next, whatever else a person changes", async () => {
    const { tasks, plan } = await play([work("reword D"), done("task_1"), work()], {});
    expect(tasks).toEqual({ c0: "A", c2: "B" });
    expect(plan[1]).toBe("2 B in_progress");
  });

  it("belongs to a task that a person has ended, if the model does not know that", async () => {
    const { tasks, plan } = await play([work("cancel B"), done("task_1"), work()], {});
    expect(tasks).toEqual({ c0: "A", c2: "B" });
    expect(plan).toEqual(["1 A completed", "2 B cancelled", "3 C pending", "4 D pending"]);
  });
});

describe("a kill between the effects of a message", () => {
  const step: fc.Arbitrary<Call> = fc.oneof(
    fc
      .constantFrom("none", "none", "add first", "cancel A", "cancel B", "C before B", "reword D", "delete B")
      .map(work),
    fc.constantFrom("task_1", "task_2", "task_3", "task_9").map((id) => done(id)),
    fc.constantFrom(
      fails(),
      look(),
      look(),
      done("task_1", "task_2"),
      start("task_2"),
      start("task_3"),
      more("S"),
      more("T"),
      { name: "view_tasks", input: {} },
      { name: "delete_tasks", input: { task_ids: ["task_2"] } },
      { name: "clear_all", input: { confirm: true } },
      { name: "update_tasks", input: { task_ids: ["task_1"], status: "cancelled" } },
      { name: "nope", input: {} },
      { name: "ask", input: { question: "Which?" } },
      { name: "complete", input: { summary: "All done." } },
    ),
  );

  it("leaves the plan, the results and the tasks of the calls as they are without it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 6 }),
        fc.constantFrom("strict", "free"),
        fc.constantFrom("note", "challenge"),
        fc.constantFrom("before", "after"),
        async (calls, plan_order, evidence, moment) => {
          let count = 0;
          const counts = (when: string) => {
            if (when === "before") count += 1;
            return false;
          };
          // The words with which a run ends may differ: a model that was killed at the end is asked once more.
          const { text: _, ...whole } = await play(calls, { plan_order, evidence }, counts);
          expect(whole.is_over).toBe(true);
          const transactions = count;
          for (let last = 3; last <= transactions; last++) {
            count = 0;
            let isKilled = false;
            const dies = (when: string) => {
              counts(when);
              if (isKilled || count !== last || when !== moment) return false;
              isKilled = true;
              return true;
            };
            expect(await play(calls, { plan_order, evidence }, dies)).toMatchObject(whole);
          }
        },
      ),
      { numRuns: runCount(40) },
    );
  }, 240_000);
});
