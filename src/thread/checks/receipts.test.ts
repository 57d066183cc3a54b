// A thread whose tasks have checks: what is stored, what readers get, and what is left when lives end during one.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { SandboxError } from "../../agent/sandbox.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { isTerminal } from "../../protocol/run.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { ensureRunning } from "../run/run.ts";
import { readPlanDetails } from "./plan-details.ts";

const RUN = { invocation_id: "inv_a" };
const tests = { type: "command" as const, run: "npm test" };

// A life that is ended logs it.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** Plans one task with a check, completes it, and says so. */
const script: Reply = (request, onDelta, signal) => {
  const made = request.messages.filter((message) => message.role === "assistant" && message.tool_calls).length;
  const sections = [{ title: "S", tasks: [{ content: "A", checks: [tests] }] }];
  const replies = [
    call({ id: "c_plan", name: "create_tasks", input: { sections } }),
    call({ id: "c_done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
  ];
  return (replies[made] ?? say("Done."))(request, onDelta, signal);
};

/** An agent without it makes no checks with commands. */
const shell = makeTool("execute_command");

function newThread(place: MemoryCheckPlace, options: FakeThreadOptions = {}): FakeThread {
  const agent: Partial<AgentConfig> = options.agent ?? {};
  const thread = new FakeThread({ defaultReply: script, tools: [...taskTools, shell], ...options, agent });
  Object.assign(thread.sandbox, { checks: place });
  return thread;
}

function newPlace(exit_code = 0): MemoryCheckPlace {
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { exit_code, output: "12 passed\n" });
  return place;
}

describe("a run that completes a task with a check", () => {
  it("stores the receipt with the result, sends it to readers, and returns it with the plan", async () => {
    const thread = newThread(newPlace());
    const reader = await thread.run("go", RUN);
    const { plan, receipts } = readPlanDetails(thread.life, "receipts");
    expect(plan.tasks).toMatchObject([{ status: "completed", verification: "self_checked" }]);
    expect(receipts).toMatchObject([
      {
        invocation_id: "inv_a",
        task_id: plan.tasks[0]?.id,
        outcome: "passed",
        exit_code: 0,
        output_head: "12 passed\n",
      },
    ]);
    expect(plan.tasks[0]?.checks?.[0]?.result?.receipt_id).toBe(receipts?.[0]?.receipt_id);
    const told = reader.events.filter((event) => event.type === "CUSTOM" && event.name === "receipt");
    expect(told).toMatchObject([{ value: { receipt_id: receipts?.[0]?.receipt_id, outcome: "passed" } }]);
  });

  it("says what the run ended with by verification, in the run and at its end in the stream", async () => {
    const thread = newThread(newPlace());
    const reader = await thread.run("go", RUN);
    const checked_tasks = { self_checked: 1 };
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "completed", checked_tasks });
    expect(reader.events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "Done.", checked_tasks } });
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)).toMatchObject({ checked_tasks });
    const [task_id = ""] = thread.life.state.plan.tasks.map(({ id }) => id);
    const operations = [
      { op: "update" as const, task_ids: [task_id], checks: [{ type: "command" as const, run: "make" }] },
    ];
    await editPlan(thread.life, { request_id: "one", version: null, operations });
    expect(thread.life.state.plan.tasks[0]?.verification).toBe("not_run");
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ checked_tasks });
  });

  it("says it of a run that does not complete", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = newThread(place);
    await thread.accept("go", RUN);
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    thread.life.active?.cancel.abort();
    await vi.waitFor(() => expect(findRun(thread.life, "inv_a")?.run.status).toBe("cancelled"), 20_000);
    const run = findRun(thread.life, "inv_a")?.run;
    expect(run).toMatchObject({ result: null, checked_tasks: { not_run: 1 } });
    expect(run).not.toHaveProperty("uncheckable_tasks");
  });

  it("costs nothing in a thread without checks: the table of receipts is not made", async () => {
    const thread = newThread(newPlace(), { defaultReply: say("Hello.") });
    const reader = await thread.run("hi", RUN);
    expect(findRun(thread.life, "inv_a")?.run).not.toHaveProperty("checked_tasks");
    expect(reader.events.at(-1)).not.toHaveProperty("result.checked_tasks");
    const tables = thread.life.database.sql.exec<{ name: string }>("SELECT name FROM sqlite_master").toArray();
    expect(tables.map(({ name }) => name)).not.toContain("receipts");
  });

  it("keeps a person's edit that comes during the check", async () => {
    const place = newPlace();
    const thread = newThread(place);
    place.onCall = async (name) => {
      if (!name.startsWith("run ")) return;
      const operations = [{ op: "create" as const, section_title: "S", task_contents: ["B"] }];
      await editPlan(thread.life, { request_id: "one", version: null, operations });
    };
    thread.replies.push(script, script);
    await thread.accept("go", RUN);
    await vi.waitFor(() => expect(thread.life.state.plan.tasks[0]?.status).toBe("completed"), 20_000);
    expect(thread.life.state.plan.tasks.map(({ content }) => content)).toEqual(["A", "B"]);
    expect(place.started).toEqual(["npm test"]);
  });

  it("says in the log that checks could not run, and no word of them", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const place = newPlace();
    place.broken = new SandboxError("unavailable", "canary: the provider is down");
    const thread = newThread(place);
    await thread.run("go", RUN);
    const lines = warn.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    expect(lines.filter(({ event }) => event === "checks_not_run")).toEqual([
      {
        ...{ level: "warning", event: "checks_not_run", user_id: "user_1", thread_id: "thread_1" },
        ...{ invocation_id: "inv_a", not_run: 1, of: 1 },
      },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/canary|npm test/);
    const ended = { checked_tasks: { not_run: 1 }, uncheckable_tasks: 1 };
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)).toMatchObject(ended);
    warn.mockRestore();
  });

  it("ends the check's command and closes nothing when it is cancelled during it", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = newThread(place);
    await thread.accept("go", RUN);
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    thread.life.active?.cancel.abort();
    await vi.waitFor(() => expect(place.running).toEqual([]), 20_000);
    expect(thread.life.state.plan.tasks[0]?.status).not.toBe("completed");
    expect(readReceipts(thread.life.database.sql)).toEqual([]);
  });
});

/** Lives end at the given moments of the check, and around the given transactions, until the run is over. */
async function runWithKills(kills: { calls?: number[]; transactions?: number[] }) {
  const place = newPlace();
  let calls = 0;
  let transactions = 0;
  const dies = () => {
    transactions++;
    return kills.transactions?.includes(transactions) ?? false;
  };
  const thread = newThread(place, { dies });
  place.onCall = async () => {
    calls++;
    if (!kills.calls?.includes(calls)) return;
    thread.crash();
    ensureRunning(thread.life);
    // What the ended life waits for never comes.
    await new Promise(() => {});
  };
  // A client repeats what was not answered.
  await thread.accept("go", RUN).catch(() => {
    thread.crash();
    return thread.accept("go", RUN);
  });
  await vi.waitFor(
    () => {
      if (!thread.isAlive) {
        thread.crash();
        ensureRunning(thread.life);
      }
      expect(isTerminal(findRun(thread.life, "inv_a")?.run.status ?? "running")).toBe(true);
      expect([thread.isAlive, thread.life.active]).toEqual([true, null]);
    },
    { timeout: 20_000, interval: 1 },
  );
  return { thread, place, calls, transactions };
}

describe("a life that ends during checks", () => {
  it("leaves no task closed without its receipt, and none with two, wherever it ends", async () => {
    const { calls, transactions } = await runWithKills({});
    expect(calls).toBeGreaterThan(2);
    const moments = [
      ...Array.from({ length: calls }, (_, at) => ({ calls: [at + 1] })),
      ...Array.from({ length: transactions }, (_, at) => ({ transactions: [at + 1] })),
    ];
    for (const kills of moments) {
      const { thread } = await runWithKills(kills);
      const { plan, receipts = [] } = readPlanDetails(thread.life, "receipts");
      const what = JSON.stringify(kills);
      expect(plan.tasks.map(({ status, verification }) => [what, status, verification])).toEqual([
        [what, "completed", "self_checked"],
      ]);
      expect([what, receipts.length]).toEqual([what, 1]);
      expect(plan.tasks[0]?.checks?.[0]?.result?.receipt_id).toBe(receipts[0]?.receipt_id);
    }
  });
});
