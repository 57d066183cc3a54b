// Questions to people at the end of a run: asked together and once, answered by another run, with one receipt each.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { InterruptAnswer, RunInput } from "../../protocol/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { ensureRunning } from "../run/run.ts";

const RUN = { invocation_id: "inv_a" };
const PHONE = "Is the page readable on a phone?";
const COLOR = "Are the colours right?";
const person = (question: string) => ({ type: "person" as const, question });

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

const tasks = [
  { content: "Build the page", checks: [person(PHONE)] },
  { content: "Paint it", checks: [person(COLOR), person(PHONE)] },
];

/** Plans, completes all, and says so. After a no it completes the repairs. */
const script: Reply = (request, onDelta, signal) => {
  const calls = request.messages.flatMap((message) => (message.role === "assistant" ? (message.tool_calls ?? []) : []));
  const task_ids = ["task_1", "task_2"];
  const replies = [
    call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks }] } }),
    call({ id: "c_done", name: "update_tasks", input: { task_ids, status: "completed" } }),
    say("The page is there."),
  ];
  const isRepairing = request.reminder?.includes("is not content") === true;
  const repair = call({ id: "c_repair", name: "update_tasks", input: { task_ids: ["task_3"], status: "completed" } });
  if (isRepairing) return repair(request, onDelta, signal);
  const reply = calls.length > 2 ? say("Repaired.") : replies[calls.length];
  return (reply ?? say("Fine."))(request, onDelta, signal);
};

const shell = makeTool("execute_command");

function newThread(options: FakeThreadOptions = {}, place = new MemoryCheckPlace()): FakeThread {
  const thread = new FakeThread({ defaultReply: script, tools: [...taskTools, shell], ...options });
  Object.assign(thread.sandbox, { checks: place });
  return thread;
}

function asked(thread: FakeThread, id = "inv_a") {
  return findRun(thread.life, id)?.run.interrupts ?? [];
}

/** Answers each question by its text; what is not named is cancelled. */
function answer(thread: FakeThread, by: Record<string, unknown>, id = "inv_b", of = "inv_a"): Partial<RunInput> {
  const resume = asked(thread, of).map(({ id: interrupt_id, message }): InterruptAnswer => {
    const payload = by[message];
    return payload === undefined
      ? { interrupt_id, status: "cancelled" }
      : { interrupt_id, status: "resolved", payload };
  });
  return { invocation_id: id, messages: [], resume };
}

const said = (thread: FakeThread) =>
  readReceipts(thread.life.database.sql).map(({ task_id, spec, outcome, reason, invocation_id }) => {
    const task = thread.life.state.plan.tasks.find(({ id }) => id === task_id)?.content;
    return [task, spec.type === "person" ? spec.question : spec.type, outcome, reason, invocation_id];
  });
const verifications = (thread: FakeThread) =>
  thread.life.state.plan.tasks.map(({ content, status, verification }) => [content, status, verification]);

describe("questions to people", () => {
  it("are asked together at the end of the run, each once, with their tasks", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({
      status: "interrupted",
      result: { text: "The page is there.", unfinished_tasks: 0 },
    });
    expect(
      asked(thread).map(({ reason, message, response_schema }) => [reason, message, response_schema.description]),
    ).toEqual([
      ["check", PHONE, '"Build the page", "Paint it"'],
      ["check", COLOR, '"Paint it"'],
    ]);
    expect(verifications(thread)).toEqual([
      ["Build the page", "completed", "not_run"],
      ["Paint it", "completed", "not_run"],
    ]);
  });

  it("verify their tasks with a yes, without asking a model", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    const requests = thread.requests.length;
    await thread.run("", answer(thread, { [PHONE]: true, [COLOR]: { approved: true, reason: "Lovely." } }));
    expect(thread.requests).toHaveLength(requests);
    expect(findRun(thread.life, "inv_b")?.run).toMatchObject({
      status: "completed",
      resumes: "inv_a",
      steps: 0,
      result: { text: "The page is there." },
    });
    expect(verifications(thread)).toEqual([
      ["Build the page", "completed", "verified"],
      ["Paint it", "completed", "verified"],
    ]);
    expect(said(thread)).toEqual([
      ["Build the page", PHONE, "passed", "A person said yes.", "inv_b"],
      ["Paint it", COLOR, "passed", "A person said yes: Lovely.", "inv_b"],
      ["Paint it", PHONE, "passed", "A person said yes.", "inv_b"],
    ]);
  });

  it("make a task for the model with a no, which reads the person's note and is asked again", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    await thread.run("", answer(thread, { [PHONE]: true, [COLOR]: { approved: false, reason: "Too pale." } }));
    expect(thread.requests.at(-2)?.reminder).toContain(`"${COLOR}" A person said no: Too pale.`);
    expect(verifications(thread)).toEqual([
      ["Build the page", "completed", "verified"],
      ["Paint it", "completed", "failed"],
      ["Repair: Paint it", "completed", "not_run"],
    ]);
    expect(asked(thread, "inv_b").map(({ message }) => message)).toEqual([COLOR]);
    await thread.run("", answer(thread, { [COLOR]: "yes" }, "inv_c", "inv_b"));
    expect(verifications(thread).map(([, , verification]) => verification)).toEqual([
      "verified",
      "verified",
      "verified",
    ]);
  });

  it("have not run where nobody answers, and are not asked again", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    await thread.run("", answer(thread, { [PHONE]: "no" }));
    expect(said(thread)).toMatchObject([
      ["Build the page", PHONE, "failed", "A person said no.", "inv_b"],
      ["Paint it", COLOR, "not_run", "Nobody answered the question.", "inv_b"],
      ["Paint it", PHONE, "failed", "A person said no.", "inv_b"],
    ]);
    const again = newThread();
    await again.run("go", RUN);
    await again.run("Something else", { invocation_id: "inv_b" });
    expect(said(again).map(([, , outcome]) => outcome)).toEqual(["not_run", "not_run", "not_run"]);
    expect(findRun(again.life, "inv_b")?.run).toMatchObject({ status: "completed", interrupts: [] });
  });

  it("expire: then they are only dismissed", async () => {
    const thread = newThread({ interrupt_ms: 1 });
    await thread.run("go", RUN);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(asked(thread)[0]?.expires_at ?? "")), 20_000);
    const late = await thread.accept("", answer(thread, { [PHONE]: true, [COLOR]: true }));
    expect(late).toMatchObject({ ok: false, error: { code: "interrupt_answered" } });
    await thread.run("", answer(thread, {}));
    expect(verifications(thread).map(([, , verification]) => verification)).toEqual(["not_run", "not_run"]);
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("completed");
  });

  it("are not asked about what a person has completed, or removed meanwhile", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    const [first] = thread.life.state.plan.tasks;
    const operations = [{ op: "delete" as const, task_ids: [first?.id ?? ""] }];
    await editPlan(thread.life, { request_id: "one", version: null, operations });
    await thread.run("", answer(thread, { [PHONE]: true, [COLOR]: true }));
    expect(said(thread).map(([task]) => task)).toEqual(["Paint it", "Paint it"]);
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("completed");
  });

  it("let the model read what a person says beside the answers", async () => {
    const thread = newThread();
    await thread.run("go", RUN);
    const requests = thread.requests.length;
    const messages = [{ message_id: "msg_more", content: "And now in blue." }];
    await thread.run("", { ...answer(thread, { [PHONE]: true, [COLOR]: true }), messages });
    expect(thread.requests.length).toBeGreaterThan(requests);
    expect(thread.requests.at(-1)?.messages.at(-1)).toMatchObject({ role: "user", content: "And now in blue." });
  });

  it("are asked anew about files that have changed since", async () => {
    const changes = makeTool("write_file", { kind: "work" });
    const place = new MemoryCheckPlace();
    const thread = newThread({ tools: [...taskTools, shell, changes] }, place);
    thread.replies.push(
      call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks: [tasks[0]] }] } }),
      call({ id: "c_write", name: "write_file", input: {} }),
      call({ id: "c_done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
      say("Done."),
    );
    await thread.run("go", RUN);
    await thread.run("", answer(thread, { [PHONE]: true }));
    expect(verifications(thread)).toEqual([["Build the page", "completed", "verified"]]);
    thread.replies.push(call({ id: "c_more", name: "write_file", input: {} }), say("Changed."));
    place.files.set("page.html", "new");
    await thread.run("change it", { invocation_id: "inv_c" });
    expect(verifications(thread)).toEqual([["Build the page", "completed", "stale"]]);
    expect(asked(thread, "inv_c").map(({ message }) => message)).toEqual([PHONE]);
  });
});

/** Lives end around the given transactions, until both runs are over. */
async function runWithKills(kills: readonly number[]) {
  let transactions = 0;
  const dies = () => {
    transactions++;
    return kills.includes(transactions);
  };
  const thread = newThread({ dies });
  const finish = async (id: string, start: () => Promise<unknown>) => {
    await start().catch(() => {
      thread.crash();
      return start();
    });
    await vi.waitFor(
      () => {
        if (!thread.isAlive) {
          thread.crash();
          ensureRunning(thread.life);
        }
        expect(isTerminal(findRun(thread.life, id)?.run.status ?? "running")).toBe(true);
        expect([thread.isAlive, thread.life.active]).toEqual([true, null]);
      },
      { timeout: 20_000, interval: 1 },
    );
  };
  await finish("inv_a", () => thread.accept("go", RUN));
  await finish("inv_b", () => thread.accept("", answer(thread, { [PHONE]: true, [COLOR]: false })));
  return { thread, transactions };
}

describe("a life that ends during questions", () => {
  it("leaves each asked once and answered once, wherever it ends", async () => {
    const { transactions } = await runWithKills([]);
    expect(transactions).toBeGreaterThan(10);
    for (let at = 1; at <= transactions; at++) {
      const { thread } = await runWithKills([at]);
      const outcomes = said(thread).map(([task, , outcome]) => [at, task, outcome]);
      expect(outcomes).toEqual([
        [at, "Build the page", "passed"],
        [at, "Paint it", "failed"],
        [at, "Paint it", "passed"],
      ]);
      expect([at, ...verifications(thread).map(([content]) => content)]).toEqual([
        ...[at, "Build the page", "Paint it", "Repair: Paint it"],
      ]);
      expect([at, asked(thread, "inv_b").map(({ message }) => message)]).toEqual([at, [COLOR]]);
    }
  });
});
