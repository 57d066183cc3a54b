// The ledger from a thread's rows: across lives, runs, cancels, questions and clients' own tools.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { defineTool, type Tool } from "../../agent/tool.ts";
import type { TaskLedger } from "../../protocol/plan/ledger.ts";
import { peopleTools } from "../../tools/people.ts";
import { taskTools } from "../../tools/tasks.ts";
import { readMessages } from "../rows/messages.ts";
import { cancelRun } from "./control.ts";
import { readLedger } from "./ledger.ts";
import { editPlan } from "./plan-edit.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };
const plans = (...tasks: string[]) =>
  call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });
const works = (id: string, input: Record<string, unknown> = {}) => call({ id, name: "execute_command", input });

/** Completes the task with this content. */
const completes =
  (id: string, content: string): Reply =>
  (request, ...rest) => {
    const made = request.messages.findLast((message) => message.role === "tool" && message.content.includes(content));
    const task_id = new RegExp(`"id":"(task_\\w+)","content":"${content}"`).exec(String(made?.content))?.[1];
    return call({ id, name: "update_tasks", input: { task_ids: [task_id], status: "completed" } })(request, ...rest);
  };

/** Completes the first task, and makes another call in the same message. */
const completesAnd =
  (next: { id: string; name: string; input: unknown }): Reply =>
  (...args) =>
    call({ id: "u_first", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }, next)(...args);

/** Its calls have begun to arrive when the gate is reached, and are complete once it is opened. */
const slowly =
  (gate: Gate, replies: Reply): Reply =>
  async (...args) => {
    const outcome = await replies(...args);
    await gate.pass();
    return outcome;
  };

/** A command that answers as its arguments say, after `until`. */
function commandTool(until: () => Promise<void> = async () => {}, more: Partial<Tool> = {}): Tool {
  return defineTool({
    name: "execute_command",
    description: "Runs.",
    schema: z.object({ exit_code: z.number().default(0), fails: z.boolean().default(false) }),
    kind: "work",
    read_only: false,
    recovery: "reattach",
    time_limit_ms: 600_000,
    execute: async ({ exit_code, fails }, { tool_call_id }) => {
      await until();
      if (fails) return { content: "failed", is_error: true };
      const details = { command: `run ${tool_call_id}`, command_id: tool_call_id, exit_code };
      return { content: `exit_code: ${exit_code}`, is_error: false, details };
    },
    ...more,
  });
}

function makeThread(replies: Reply[], options: FakeThreadOptions = {}, command = commandTool()): FakeThread {
  return new FakeThread({ replies, tools: [...taskTools, ...peopleTools, command], ...options });
}

/** By the tasks' contents. */
function ledgerOf({ life }: FakeThread): Record<string, TaskLedger | undefined> {
  const ledger = readLedger(life);
  return Object.fromEntries(life.state.plan.tasks.map(({ id, content }) => [content, ledger[id]]));
}

function metadataOf({ life }: FakeThread, call_id: string): Record<string, unknown> {
  const rows = readMessages(life.database.sql, life.thread, 0, 1000);
  return rowsOfType(rows, "tool").find(({ content }) => content.tool_call_id === call_id)?.metadata ?? {};
}

describe("the ledger of a run", () => {
  it("has by task what was done, what it cost and whether there is evidence", async () => {
    const replies = [
      plans("A", "B"),
      works("c1", { exit_code: 1 }),
      works("c2"),
      completes("u1", "A"),
      completes("u2", "B"),
      say("done"),
    ];
    const thread = makeThread(replies, { clock: new FakeClock() });
    await thread.run("go", run);
    const { A, B } = ledgerOf(thread);
    expect(A).toMatchObject({
      steps: 3,
      usage: { input_tokens: 30, output_tokens: 15 },
      calls: 2,
      failed_calls: 1,
      proven: true,
      commands: [
        { tool_call_id: "c1", command: "run c1", exit_code: 1 },
        { tool_call_id: "c2", command: "run c2", exit_code: 0 },
      ],
    });
    expect(A?.started_at).toBe(metadataOf(thread, "c1").started_at);
    expect(B).toMatchObject({ steps: 1, calls: 0, proven: false });
    expect(B?.started_at).toBe(B?.finished_at);
    expect(thread.requests.at(-1)?.reminder).toMatch(
      /- "A" \(completed\): .*ran "run c2" \(exit code 0\).*2 calls, 1 failed\n- "B" \(completed, nothing shows it\): no calls/,
    );
  });

  it("does not count a call that was refused before it ran", async () => {
    const same = () => works(`c${Math.random()}`);
    const words = [say("a"), say("b"), say("c"), say("d")];
    const thread = makeThread([
      plans("A"),
      same(),
      same(),
      same(),
      call({ id: "x", name: "nothing", input: {} }),
      ...words,
    ]);
    await thread.run("go", run);
    expect(ledgerOf(thread).A?.calls).toBe(2);
  });

  it("counts time of work, and not the time in which a question waited", async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const asks = call({ id: "q", name: "ask", input: { question: "which?" } });
    const slow = commandTool(async () => {
      await gate.opened;
    });
    const thread = makeThread([plans("A"), works("c1"), asks, completes("u1", "A"), say("done")], { clock }, slow);
    await thread.accept("go", run);
    const first = thread.read(run);
    await first.until(({ events }) => events.some(({ type }) => type === "STEP_STARTED"));
    await passTime(clock, 4_000);
    gate.open();
    await first.untilClosed();
    await passTime(clock, 500_000);
    await thread.run("blue", { invocation_id: "inv_b" });
    const { A } = ledgerOf(thread);
    expect(A?.seconds).toBeGreaterThanOrEqual(4);
    expect(A?.seconds).toBeLessThan(60);
    expect(Date.parse(A?.finished_at ?? "") - Date.parse(A?.started_at ?? "")).toBeGreaterThan(500_000);
  });

  it("counts a task from when its call begins to arrive, and the task before it until then", async () => {
    const clock = new FakeClock();
    const [one, other] = [new Gate(), new Gate()];
    const thread = makeThread(
      [
        plans("A", "B"),
        slowly(one, works("c1")),
        slowly(other, completesAnd({ id: "c2", name: "execute_command", input: {} })),
        call({ id: "u2", name: "update_tasks", input: { task_ids: ["task_2"], status: "completed" } }),
        say("done"),
      ],
      { clock },
    );
    await thread.accept("go", run);
    const reader = thread.read(run);
    for (const gate of [one, other]) {
      await gate.reached;
      await passTime(clock, 4_000);
      gate.open();
    }
    await reader.untilClosed();
    const { A, B } = ledgerOf(thread);
    expect(Math.round(A?.seconds ?? 0)).toBe(4);
    expect(Math.round(B?.seconds ?? 0)).toBe(4);
    expect(A?.finished_at).toBe(B?.started_at);
  });

  it("keeps the start and task of a call that a later life continues", async () => {
    const clock = new FakeClock();
    const hangs = { first: true };
    const gate = new Gate();
    const command = commandTool(async () => {
      if (hangs.first) await gate.opened;
    });
    const thread = makeThread([plans("A"), works("c1"), completes("u1", "A"), say("done")], { clock }, command);
    await thread.accept("go", run);
    await thread.read(run).until(({ events }) => events.some(({ type }) => type === "STEP_STARTED"));
    const begun = new Date(clock.now()).toISOString();
    await passTime(clock, 7_000);
    thread.crash();
    hangs.first = false;
    ensureRunning(thread.life);
    await thread.read(run).untilClosed();
    expect(metadataOf(thread, "c1")).toMatchObject({ started_at: begun, task_id: thread.life.state.plan.tasks[0]?.id });
    expect(ledgerOf(thread).A).toMatchObject({ started_at: begun, calls: 1, proven: true });
  });

  it("counts a call that a cancel ended as failed", async () => {
    const gate = new Gate();
    const thread = makeThread(
      [plans("A"), works("c1")],
      {},
      commandTool(() => gate.opened),
    );
    await thread.accept("go", run);
    await thread.read(run).until(({ events }) => events.some(({ type }) => type === "STEP_STARTED"));
    await cancelRun(thread.life, "inv_a");
    expect(ledgerOf(thread).A).toMatchObject({ calls: 1, failed_calls: 1, proven: false, finished_at: null });
    gate.open();
  });

  it("counts a client's result of its own tool as work", async () => {
    const client_tools = [{ name: "pick", description: "", parameters: {} }];
    const words = [say("a"), say("b"), say("c"), say("d")];
    const thread = makeThread([plans("A"), call({ id: "p1", name: "pick", input: {} }), ...words]);
    await thread.run("go", { ...run, client_tools });
    expect(ledgerOf(thread).A?.calls).toBe(0);
    const tool_results = [{ message_id: "msg_r", tool_call_id: "p1", content: "the red one" }];
    await thread.run("", { invocation_id: "inv_b", messages: [], tool_results, client_tools });
    expect(ledgerOf(thread).A).toMatchObject({ calls: 1, failed_calls: 0, proven: true });
  });

  it("has the times at which a person started and ended a task", async () => {
    const clock = new FakeClock();
    const thread = makeThread([], { clock });
    const edit = (...operations: Parameters<typeof editPlan>[1]["operations"]) =>
      editPlan(thread.life, { request_id: crypto.randomUUID(), version: null, operations });
    await edit({ op: "create", section_title: "S", task_contents: ["A"] });
    const task_ids = [thread.life.state.plan.tasks[0]?.id ?? ""];
    const at = () => new Date(clock.now()).toISOString();
    await edit({ op: "update", task_ids, status: "in_progress" });
    const began = at();
    await passTime(clock, 5_000);
    await edit({ op: "update", task_ids, status: "cancelled" });
    expect(ledgerOf(thread).A).toMatchObject({ started_at: began, finished_at: at(), seconds: 0 });
  });

  it("leaves out tasks that are gone, however much was done for them", async () => {
    const thread = makeThread([plans("A", "B"), works("c1"), say("a"), say("b"), say("c"), say("d")]);
    await thread.run("go", run);
    const [a, b] = thread.life.state.plan.tasks.map(({ id }) => id);
    expect(Object.keys(readLedger(thread.life))).toEqual([a]);
    await editPlan(thread.life, {
      request_id: "r",
      version: null,
      operations: [{ op: "delete", task_ids: [a ?? ""] }],
    });
    expect(readLedger(thread.life)).toEqual({});
    expect(thread.life.state.plan.tasks.map(({ id }) => id)).toEqual([b]);
  });

  it("is empty for a thread without a plan", async () => {
    const usage = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1, cost_usd: null };
    const thread = makeThread([works("c1"), async () => reply({ text: "ok", usage })]);
    await thread.run("go", run);
    expect(readLedger(thread.life)).toEqual({});
    expect(metadataOf(thread, "c1")).not.toHaveProperty("task_id");
  });
});
