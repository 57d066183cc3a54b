// What a model has seen of the plan outlives the life and the run in which it saw it.
import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { readLedger } from "./ledger.ts";
import { editPlan } from "./plan-edit.ts";
import { ensureRunning } from "./run.ts";

const works = (id: string) => call({ id, name: "work", input: { what: id } });
const add = (content: string): PlanOperation => ({ op: "create", section_title: "S", task_contents: [content] });

let requests = 0;
async function edit(thread: FakeThread, ...operations: PlanOperation[]): Promise<void> {
  const edited = await editPlan(thread.life, { request_id: `request_${++requests}`, version: null, operations });
  if (!edited.ok) throw new Error(edited.error.detail);
}

function metadataOf({ life }: FakeThread, call_id: string): Record<string, unknown> {
  const rows = readMessages(life.database.sql, life.thread, 0, 100);
  return rowsOfType(rows, "tool").find(({ content }) => content.tool_call_id === call_id)?.metadata ?? {};
}

/** A model call that waits for the test, and is lost with its life. */
function lost(gate: Gate): Reply {
  return gate.say("", "");
}

describe("a person's edit", () => {
  it("is told once, also where a reply that does not end the run is all that came since", async () => {
    const thread = new FakeThread({ defaultReply: say("Working on it."), tools: taskTools });
    await edit(thread, add("Bake the bread"));
    await thread.run("go on");
    const told = thread.requests.map(({ reminder }) => reminder?.includes("The person changed the plan"));
    expect([told.length > 1, told[0], told.slice(1).includes(true)]).toEqual([true, true, false]);
  });
});

describe("a request after the end of the plan", () => {
  const reminders = (thread: FakeThread) => thread.requests.map(({ reminder }) => String(reminder));

  it("is completed by the next life if the first one ends during it", async () => {
    const gate = new Gate();
    const many = Array.from({ length: 12 }, (_, at) => works(`c${at}`));
    const clock = new FakeClock();
    const replies = [works("c_first"), lost(gate), ...many, say("There.")];
    const thread = new FakeThread({ replies, tools: twoTaskTools(), clock });
    await edit(thread, add("A"));
    const task_ids = thread.life.state.plan.tasks.map(({ id }) => id);
    await edit(thread, { op: "update", task_ids, status: "completed" });
    await passTime(clock, 1_000);
    await thread.accept("and a logo", { invocation_id: "inv_a" });
    await gate.reached;
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect(findRun(thread.life, "inv_a")?.run.result).toEqual({ text: "There.", unfinished_tasks: 0 });
    for (const reminder of reminders(thread))
      expect(reminder).toContain("had ended before the person's newest message");
  });

  it("is still treated as new if a person edits the ended plan meanwhile", async () => {
    const gate = new Gate();
    const gated: Reply = async (...request) => {
      await gate.say("", "")(...request);
      return works("c1")(...request);
    };
    const thread = new FakeThread({ replies: [gated, say("There.")], tools: twoTaskTools() });
    await edit(thread, add("A"), add("B"));
    const task_ids = thread.life.state.plan.tasks.map(({ id }) => id);
    await edit(thread, { op: "update", task_ids, status: "completed" });
    await thread.accept("and a logo", { invocation_id: "inv_a" });
    await gate.reached;
    await edit(thread, { op: "delete", task_ids: task_ids.slice(1) });
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect(reminders(thread).at(-1)).toContain("had ended before the person's newest message");
  });
});

describe("a completion without evidence", () => {
  it("is refused once, whichever life or run repeats it", async () => {
    const gate = new Gate();
    const completes = (id: string): Reply => {
      return (...request) => {
        const task_ids = thread.life.state.plan.tasks.map((task) => task.id);
        return call({ id, name: "update_tasks", input: { task_ids, status: "completed" } })(...request);
      };
    };
    const replies = [completes("c1"), lost(gate), completes("c2"), say("There.")];
    const thread: FakeThread = new FakeThread({ replies, tools: taskTools, agent: { evidence: "challenge" } });
    await edit(thread, add("A"));
    await thread.accept("go", { invocation_id: "inv_a" });
    await gate.reached;
    expect(thread.life.state.plan.tasks).toMatchObject([{ status: "pending" }]);
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect(thread.life.state.plan.tasks).toMatchObject([{ status: "completed" }]);
    expect(Object.values(readLedger(thread.life))).toMatchObject([{ challenged: true, proven: false }]);
  });
});

describe("a call that a person approves", () => {
  it("counts for the task that it was made for, even if the person changed the plan before approving", async () => {
    const replies = [works("x1"), say("a"), say("b"), say("c"), say("d")];
    const thread = new FakeThread({ replies, tools: twoTaskTools(), agent: { approvals: { work: ["x*"] } } });
    await edit(thread, add("A"));
    await thread.run("go", { invocation_id: "inv_a" });
    await edit(thread, add("B"));
    const resume = [{ interrupt_id: "int_x1", status: "resolved" as const, payload: { approved: true } }];
    await thread.run("", { invocation_id: "inv_b", messages: [], resume });
    const [a] = thread.life.state.plan.tasks;
    expect(a).toMatchObject({ content: "A", status: "in_progress" });
    expect(metadataOf(thread, "x1")).toMatchObject({ task_id: a?.id });
  });
});
