// Checks that a person has run again: what they change and leave, what ends them, and lives that end during them.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { CheckRunRequest } from "../../protocol/plan/check-run.ts";
import { taskTools } from "../../tools/tasks.ts";
import { clock } from "../ports.ts";
import { readReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { callChecks, ensureChecking } from "./again.ts";

const QUESTION = "Is it good?";
const checks = [
  { type: "command" as const, run: "npm test" },
  { type: "person" as const, question: QUESTION },
];

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

const shell = makeTool("execute_command");

function newPlace(exit_code = 0): MemoryCheckPlace {
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { exit_code, output: "12 passed\n" });
  return place;
}

/** A thread with a task of a person's checks, and no run yet. */
async function newThread(place = newPlace(), options: FakeThreadOptions = {}): Promise<FakeThread> {
  const thread = new FakeThread({ tools: [...taskTools, shell], ...options });
  Object.assign(thread.sandbox, { checks: place });
  const operations = [{ op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks }, "B"] }];
  await editPlan(thread.life, { request_id: "one", version: null, operations });
  return thread;
}

function start(thread: FakeThread, more: Partial<CheckRunRequest> = {}) {
  const request = { check_run_id: "checks_1", task_ids: null, answers: [], key_id: null, ...more };
  return callChecks(thread.life, { kind: "start", request });
}

async function finished(thread: FakeThread) {
  await vi.waitFor(() => expect(thread.life.checked?.run.status).not.toBe("running"), { timeout: 20_000, interval: 1 });
  return thread.life.checked?.run;
}

const task = (thread: FakeThread) => thread.life.state.plan.tasks[0];
const results = (thread: FakeThread) => task(thread)?.checks?.map(({ result }) => result?.outcome ?? null);

describe("checks that a person has run again", () => {
  it("leave receipts that name no run, and the plan and its readers learn of them", async () => {
    const thread = await newThread();
    const reader = thread.read();
    const { version } = thread.life.state.plan;
    expect(await start(thread)).toMatchObject({ ok: true, value: { status: "running", task_ids: [task(thread)?.id] } });
    const run = await finished(thread);
    expect(run).toMatchObject({ status: "completed", reason: null });
    expect(results(thread)).toEqual(["passed", null]);
    expect(thread.life.state.plan.version).toBe(version + 1);
    const receipts = readReceipts(thread.life.database.sql);
    expect(receipts).toMatchObject([{ invocation_id: null, outcome: "passed", output_head: "12 passed\n" }]);
    expect(run?.receipt_ids).toEqual(receipts.map(({ receipt_id }) => receipt_id));
    await vi.waitFor(
      () =>
        expect(reader.events.map((event) => (event.type === "CUSTOM" ? event.name : event.type))).toEqual(
          expect.arrayContaining(["receipt", "STATE_DELTA"]),
        ),
      20_000,
    );
  });

  it("store a person's answers with what was seen", async () => {
    const thread = await newThread();
    const check_id = task(thread)?.checks?.[1]?.id ?? "";
    const task_ids = [task(thread)?.id ?? ""];
    await start(thread, { task_ids, answers: [{ check_id, approved: true, reason: "Yes, it is." }] });
    await finished(thread);
    expect(results(thread)).toEqual(["passed", "passed"]);
    expect(task(thread)?.verification).toBe("verified");
    expect(readReceipts(thread.life.database.sql).map(({ reason }) => reason)).toEqual([
      "`npm test` exited with 0.",
      "A person said yes: Yes, it is.",
    ]);
  });

  it("show a failure, plan nothing, and count as no try of the model", async () => {
    const thread = await newThread(newPlace(1));
    for (const check_run_id of ["one", "two", "three", "four"]) {
      await start(thread, { check_run_id });
      await finished(thread);
    }
    expect(results(thread)).toEqual(["failed", null]);
    expect(task(thread)).toMatchObject({ status: "pending", verification: "failed" });
    expect(task(thread)?.checks?.[0]?.result?.rounds).toBe(0);
    expect(thread.life.state.plan.tasks).toHaveLength(2);
  });

  it("are one request however often it comes, and another while they run is refused", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = await newThread(place);
    await start(thread);
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    expect(await start(thread)).toMatchObject({ ok: true, value: { check_run_id: "checks_1", status: "running" } });
    expect(await start(thread, { task_ids: [task(thread)?.id ?? ""] })).toMatchObject({
      error: { code: "idempotency_conflict" },
    });
    expect(await start(thread, { check_run_id: "checks_2" })).toMatchObject({ error: { code: "busy" } });
    await callChecks(thread.life, { kind: "cancel" });
    expect(await start(thread)).toMatchObject({ ok: true, value: { status: "cancelled" } });
    expect(place.started).toHaveLength(1);
  });

  it("are refused for tasks that the plan lacks, and over at once where there is nothing to run", async () => {
    const thread = await newThread();
    const [, other] = thread.life.state.plan.tasks;
    const invalid = { ok: false, error: { code: "invalid_operation" } };
    expect(await start(thread, { task_ids: ["task_x"] })).toMatchObject(invalid);
    expect(await start(thread, { task_ids: [other?.id ?? ""] })).toMatchObject({
      ...{ ok: true, value: { status: "completed", receipt_ids: [] } },
    });
    const check_id = task(thread)?.checks?.[0]?.id ?? "";
    expect(await start(thread, { answers: [{ check_id, approved: true }] })).toMatchObject(invalid);
    expect(thread.life.checked).toBeNull();
  });

  it("end in the sandbox when they are cancelled, and leave no receipt", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = await newThread(place);
    await start(thread);
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    expect(await callChecks(thread.life, { kind: "cancel" })).toMatchObject({ value: { status: "cancelled" } });
    await vi.waitFor(() => expect(place.running).toEqual([]), 20_000);
    expect(readReceipts(thread.life.database.sql)).toEqual([]);
    expect([thread.aborts, thread.failures]).toEqual([[], []]);
  });

  it("give way to a run, which does not wait for them, and are refused while it works", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    let goOn = (): void => {};
    const waits: Reply = async (...request) => {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      return say("Hello.")(...request);
    };
    const thread = await newThread(place, { replies: [waits] });
    await start(thread);
    await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
    await thread.accept("hi", { invocation_id: "inv_a" });
    expect(thread.life.checked?.run).toMatchObject({
      status: "cancelled",
      reason: expect.stringContaining("A run began"),
    });
    expect(await start(thread, { check_run_id: "checks_2" })).toMatchObject({ error: { code: "busy" } });
    await vi.waitFor(() => expect(thread.requests).toHaveLength(1), 20_000);
    goOn();
    await vi.waitFor(() => expect(thread.life.active).toBeNull(), 20_000);
    expect([thread.aborts, thread.failures]).toEqual([[], []]);
  });

  it("keep a person's edit that comes during them, and no receipt of a check that it removes", async () => {
    const place = newPlace();
    const thread = await newThread(place);
    place.onCall = async (name) => {
      if (!name.startsWith("run ")) return;
      const operations = [{ op: "delete" as const, task_ids: [task(thread)?.id ?? ""] }];
      await editPlan(thread.life, { request_id: "two", version: null, operations });
    };
    await start(thread);
    expect(await finished(thread)).toMatchObject({ status: "completed", receipt_ids: [] });
    expect(thread.life.state.plan.tasks.map(({ content }) => content)).toEqual(["B"]);
    expect(readReceipts(thread.life.database.sql)).toEqual([]);
  });

  it("ask for an alarm while they run, and a thread without them for none", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = await newThread(place);
    await thread.alarm();
    const before = thread.alarms.length;
    await thread.alarm();
    expect(thread.alarms.length).toBe(before);
    await start(thread);
    await thread.alarm();
    expect(thread.alarms.length).toBeGreaterThan(before);
    await callChecks(thread.life, { kind: "cancel" });
  });

  it("look anew for a request that has the id of one before the last", async () => {
    const place = newPlace();
    let now = 0;
    const thread = await newThread(place, { clock: { ...clock, now: () => clock.now() + now } });
    for (const check_run_id of ["nightly", "other", "nightly"]) {
      if (place.started.length === 2) place.deeds.set("npm test", { exit_code: 1, output: "1 failed\n" });
      now += 1_000;
      await start(thread, { check_run_id });
      await finished(thread);
    }
    expect(place.started).toHaveLength(3);
    expect(results(thread)?.[0]).toBe("failed");
  });

  it("can be waited for", async () => {
    const thread = await newThread();
    await start(thread);
    const waited = callChecks(thread.life, { kind: "wait", check_run_id: "checks_1", timeout_ms: 60_000 });
    expect(await waited).toMatchObject({ ok: true, value: { status: "completed" } });
    expect(await callChecks(thread.life, { kind: "wait", check_run_id: "other", timeout_ms: 1 })).toMatchObject({
      error: { code: "not_found" },
    });
  });
});

/** Lives end at the given moments of the check, and around the given transactions, until all is seen. */
async function checkWithKills(kills: { calls?: number[]; transactions?: number[] }) {
  const place = newPlace();
  let counts = false;
  let [calls, transactions] = [0, 0];
  const dies = () => {
    if (counts) transactions++;
    return counts && kills.transactions?.includes(transactions) === true;
  };
  const thread = await newThread(place, { dies });
  counts = true;
  place.onCall = async () => {
    calls++;
    if (kills.calls?.includes(calls) !== true) return;
    thread.crash();
    ensureChecking(thread.life);
    // What the ended life waits for never comes.
    await new Promise(() => {});
  };
  // A client repeats what was not answered.
  await start(thread).catch(() => {
    thread.crash();
    return start(thread);
  });
  await vi.waitFor(
    () => {
      if (!thread.isAlive) {
        thread.crash();
        ensureChecking(thread.life);
      }
      expect([thread.isAlive, thread.life.checked?.run.status, thread.life.checking]).toEqual([
        true,
        "completed",
        null,
      ]);
    },
    { timeout: 20_000, interval: 1 },
  );
  return { thread, place, calls, transactions };
}

describe("a life that ends during checks that are run again", () => {
  it("loses no receipt and leaves none twice, wherever it ends", async () => {
    const { calls, transactions } = await checkWithKills({});
    expect([calls > 2, transactions > 2]).toEqual([true, true]);
    const moments = [
      ...Array.from({ length: calls }, (_, at) => ({ calls: [at + 1] })),
      ...Array.from({ length: transactions }, (_, at) => ({ transactions: [at + 1] })),
    ];
    for (const kills of moments) {
      const { thread, place } = await checkWithKills(kills);
      const what = JSON.stringify(kills);
      const receipts = readReceipts(thread.life.database.sql);
      expect([what, receipts.length]).toEqual([what, 1]);
      expect(thread.life.checked?.run.receipt_ids).toEqual([receipts[0]?.receipt_id]);
      expect([what, place.started.length]).toEqual([what, 1]);
    }
  });

  it("is not followed by one after another for ever", async () => {
    const place = newPlace();
    place.deeds.set("npm test", { hangs: true });
    const thread = await newThread(place);
    await start(thread);
    for (let life = 0; life < 3; life++) {
      thread.crash();
      ensureChecking(thread.life);
    }
    expect(thread.life.checked?.run).toMatchObject({ status: "failed", receipt_ids: [] });
  });
});
