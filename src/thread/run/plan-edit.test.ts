import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { ModelRequest } from "../../agent/model.ts";
import { planState } from "../../agent/plan/view.ts";
import type { Result } from "../../protocol/error.ts";
import type { CheckInput } from "../../protocol/plan/check.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { findRun, transact } from "../life.ts";
import { readPlan, readPlanMessage } from "../rows/messages.ts";
import { editPlan } from "./plan-edit.ts";
import { recordPlan } from "./recorder.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };
const add = (...task_contents: string[]): PlanOperation => ({ op: "create", section_title: "S", task_contents });
const plans = (...tasks: string[]) =>
  call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });
const works = (id: string) => call({ id, name: "work", input: { what: id } });

let requests = 0;
function edit(thread: FakeThread, operations: PlanOperation[], more: { version?: number; request_id?: string } = {}) {
  const request = { request_id: `request_${++requests}`, version: null, operations, ...more };
  return editPlan(thread.life, request);
}

function planOf(result: Result<Plan>): Plan {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

function idOf(thread: FakeThread, content: string): string {
  return thread.life.state.plan.tasks.find((task) => task.content === content)?.id ?? "";
}

/** A model call that waits for the test, then calls tools. */
function gated(gate: Gate, then: Reply): Reply {
  return async (request, onDelta, signal) => {
    await gate.say("", "")(request, onDelta, signal);
    return then(request, onDelta, signal);
  };
}

const lastWords = (request: ModelRequest | undefined) => `${request?.messages.at(-1)?.content} ${request?.reminder}`;

describe("an edit of checks", () => {
  it("reaches readers as a change of the state, D1 and the next life as a row, and the model as lines", async () => {
    const thread = new FakeThread({ tools: twoTaskTools(), defaultReply: say("ok") });
    const reader = thread.read();
    await edit(thread, [add("A")]);
    const checks: CheckInput[] = [
      { type: "file", path: "a" },
      { type: "command", run: "npm test" },
    ];
    await edit(thread, [{ op: "update", task_ids: [idOf(thread, "A")], checks }]);
    const [added] = thread.life.state.plan.tasks;
    const { checks: made = [] } = added ?? {};
    const plan = planOf(
      await edit(thread, [{ op: "update", task_ids: [idOf(thread, "A")], remove_checks: [made[0]?.id ?? ""] }]),
    );
    expect(plan.tasks).toMatchObject([{ verification: "not_run", checks: [{ id: made[1]?.id, author: "person" }] }]);
    await reader.until(({ events }) => events.length === 3);
    expect(new Transcript().applyAll(reader.events).state?.plan).toEqual(planState(plan));
    await thread.run("hi", run);
    const words = thread.requests.map(lastWords).join();
    expect(words).toContain('- added a check to task_1: "`npm test` exits with 0"');
    expect(words).toContain('- removed a check of task_1: "a exists"');
    expect(words).toContain("Its checks, which the server makes when you complete it: ");
    const { tasks } = thread.life.state.plan;
    thread.crash();
    expect(thread.life.state.plan.tasks).toEqual(tasks);
  });

  it("closes a task with checks as accepted, and one without as before", async () => {
    const thread = new FakeThread();
    await edit(thread, [
      {
        op: "create",
        section_title: "S",
        task_contents: [{ content: "A", checks: [{ type: "git", clean: true }] }, "B"],
      },
    ]);
    const ids = ["A", "B"].map((content) => idOf(thread, content));
    const plan = planOf(await edit(thread, [{ op: "update", task_ids: ids, status: "completed" }]));
    expect(plan.tasks.map(({ verification }) => verification)).toEqual(["accepted", undefined]);
  });
});

describe("an edit while no run is active", () => {
  it("is stored under no run, sent as one STATE_DELTA, and replicated to D1", async () => {
    const thread = new FakeThread();
    const reader = thread.read();
    const plan = planOf(await edit(thread, [add("A", "B")]));
    await reader.until(({ events }) => events.length === 1);
    expect(new Transcript().applyAll(reader.events).state?.plan).toEqual(planState(plan));
    await edit(thread, [{ op: "update", task_ids: [idOf(thread, "A")], status: "in_progress" }]);
    await reader.until(({ events }) => events.length === 2);
    expect(reader.events.map(({ type }) => type)).toEqual(["STATE_DELTA", "STATE_DELTA"]);
    expect(readPlanMessage(thread.life.database.sql, thread.life.thread)).toMatchObject({
      type: "task_list",
      invocation_id: null,
      agent_id: null,
      version: 2,
    });
    expect(await thread.life.outbox.syncWithin(1_000)).toBe(true);
    expect(thread.batches.at(-1)?.messages).toMatchObject([{ type: "task_list", version: 2 }]);
    expect(thread.life.journal.log.memory).toBe(0);
  });

  it("is in the prompt of the next run's first step only, and its step starts there", async () => {
    const thread = new FakeThread({
      replies: [works("c1"), say("a"), say("b"), say("c"), say("d")],
      tools: twoTaskTools(),
    });
    await edit(thread, [add("A")]);
    await edit(thread, [{ op: "update", task_ids: [idOf(thread, "A")], status: "in_progress" }]);
    const { events } = await thread.run("go", run);
    expect(events.slice(0, 3)).toMatchObject([
      { type: "RUN_STARTED" },
      { type: "STATE_SNAPSHOT", snapshot: { plan: { version: 2 } } },
      { type: "STEP_STARTED", stepName: idOf(thread, "A") },
    ]);
    expect(lastWords(thread.requests[0])).toMatch(/The person changed the plan[\s\S]*added task_\w+ "A"[\s\S]*started/);
    expect(lastWords(thread.requests[1])).not.toContain("The person changed");
  });

  it("reads the same for a later reader, from the first event or by a resync", async () => {
    const thread = new FakeThread({ replies: [say("hi")] });
    const plan = planOf(await edit(thread, [add("A")]));
    thread.crash();
    const later = await thread.read().until(({ events }) => events.length === 1);
    expect(new Transcript().applyAll(later.events).state?.plan).toEqual(planState(plan));
    const anew = await thread.read({ resync: true }).until(({ events }) => events.length === 2);
    expect(new Transcript().applyAll(anew.events).state?.plan).toEqual(planState(plan));
  });
});

describe("an edit while a run is active", () => {
  it("is sent on the run's stream, with the steps that it ends and starts", async () => {
    const gate = new Gate();
    const replies = [plans("A", "B"), works("c1"), gated(gate, say("bye")), say("b"), say("c"), say("d"), say("e")];
    const thread = new FakeThread({ replies, tools: twoTaskTools() });
    await thread.accept("go", run);
    const reader = thread.read(run);
    await gate.reached;
    const [a, b] = [idOf(thread, "A"), idOf(thread, "B")];
    await edit(thread, [
      { op: "update", task_ids: [a], status: "completed" },
      { op: "update", task_ids: [b], status: "in_progress" },
    ]);
    gate.open();
    const { events } = await reader.untilClosed();
    const at = events.findIndex((event) => event.type === "STEP_FINISHED" && event.stepName === a);
    expect(events.slice(at - 1, at + 2)).toMatchObject([
      { type: "STATE_DELTA" },
      { type: "STEP_FINISHED", stepName: a },
      { type: "STEP_STARTED", stepName: b },
    ]);
    const { state, steps } = new Transcript().applyAll(events);
    expect(state?.plan).toEqual(planState(thread.life.state.plan));
    expect(steps.size).toBe(0);
  });

  it("waits for an end that is held back: neither the run nor a snapshot shows the edit before", async () => {
    let letD1Go = () => {};
    const slow = new Promise<void>((resolve) => {
      letD1Go = resolve;
    });
    const thread = new FakeThread({ replies: [say("done")], syncThread: () => slow });
    await thread.accept("go", run);
    const own = thread.read(run);
    await own.until(() => (findRun(thread.life, "inv_a")?.end_seq ?? null) !== null);
    let answered = false;
    const edited = edit(thread, [add("A")]).then((result) => {
      answered = true;
      return result;
    });
    await new Promise((resolve) => setImmediate(resolve));
    const late = thread.read({ resync: true });
    await late.until(({ events }) => events.some(({ type }) => type === "STATE_SNAPSHOT"));
    expect(answered).toBe(false);
    letD1Go();
    const plan = planOf(await edited);
    await own.untilClosed();
    expect(own.events.at(-1)?.type).toBe("RUN_FINISHED");
    expect(own.events.some(({ type }) => type === "STATE_DELTA")).toBe(false);
    await late.until(({ events }) => events.at(-1)?.type === "STATE_DELTA");
    expect(new Transcript().applyAll(late.events).state?.plan).toEqual(planState(plan));
  });

  it("is in the next life's prompt if this life ends before the model's reply is stored, and then not again", async () => {
    const gate = new Gate();
    const more = [works("c2"), say("a"), say("b"), say("c"), say("d")];
    const thread = new FakeThread({ replies: [works("c1"), gated(gate, say("lost")), ...more], tools: twoTaskTools() });
    await edit(thread, [add("A")]);
    await thread.accept("go", run);
    await gate.reached;
    await edit(thread, [add("B")]);
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(run).untilClosed();
    const notices = thread.requests.map((request) => lastWords(request).match(/added task_\w+ "(\w)"/g)?.length ?? 0);
    expect(notices).toEqual([1, 0, 1, 0, 0, 0, 0]);
  });
});

describe("an edit", () => {
  it("is refused as a whole for its version, by a rule, and while the thread is removed", async () => {
    const thread = new FakeThread();
    await edit(thread, [add("A")]);
    const { newest } = thread.life.journal;
    expect(await edit(thread, [add("B")], { version: 0 })).toMatchObject({ error: { code: "version_conflict" } });
    const bad: PlanOperation = { op: "update", task_ids: ["task_none"], status: "completed" };
    expect(await edit(thread, [add("B"), bad], { version: 1 })).toMatchObject({
      error: { code: "invalid_operation", detail: expect.stringMatching(/^operations\[1\] \(update\)/) },
    });
    thread.life.removing = true;
    expect(await edit(thread, [add("B")])).toMatchObject({ error: { code: "not_found" } });
    expect(thread.life.journal.newest).toBe(newest);
    expect(readPlan(thread.life.database.sql)).toMatchObject({ version: 1, tasks: [{ content: "A" }] });
  });

  it("writes nothing if it changes nothing", async () => {
    const thread = new FakeThread();
    await edit(thread, [add("A")]);
    const { newest } = thread.life.journal;
    expect(planOf(await edit(thread, [add("A")])).version).toBe(1);
    expect(thread.life.journal.newest).toBe(newest);
  });

  it("is applied once if its route repeats it, in the next life too", async () => {
    const thread = new FakeThread();
    const once = { request_id: "same", version: 0 };
    await edit(thread, [add("A")], once);
    expect(planOf(await edit(thread, [add("A")], once)).version).toBe(1);
    thread.crash();
    expect(planOf(await edit(thread, [add("B")], once)).tasks).toHaveLength(1);
  });
});

describe("a plan that was not made from the stored one", () => {
  it("is never stored, and ends the life", async () => {
    const thread = new FakeThread();
    const { life } = thread;
    const old = planOf(await edit(thread, [add("A")]));
    const newer = planOf(await edit(thread, [add("B")]));
    expect(() => transact(life, () => recordPlan(life, null, { ...old, version: old.version + 1 }))).toThrow(
      /version 2/,
    );
    expect(thread.aborts).toHaveLength(1);
    thread.crash();
    expect(thread.life.state.plan).toEqual(newer);
  });
});
