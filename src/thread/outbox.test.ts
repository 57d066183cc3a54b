// Replication to D1 after a long outage, and its webhook deliveries.
import { beforeEach, describe, expect, it } from "vitest";
import { say } from "../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../test/fakes/stream.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { findRun, storeRun, transact } from "./life.ts";
import { dropTables } from "./rows/tables.ts";
import { cancelRun } from "./run/control.ts";
import { editPlan } from "./run/plan-edit.ts";

const ids = Array.from({ length: 70 }, (_, place) => `inv_${place}`);

describe("a backlog of many runs", () => {
  let d1: "away" | "back" = "away";
  let whileSending = (): void => {};
  let thread: FakeThread;

  beforeEach(async () => {
    d1 = "away";
    whileSending = () => {};
    thread = new FakeThread({
      defaultReply: say("hello"),
      syncThread: async () => {
        if (d1 === "away") throw new Error("D1 is away");
        whileSending();
      },
    });
    for (const invocation_id of ids) await thread.run("hi", { invocation_id });
    d1 = "back";
  });

  for (const life of ["the same", "the next"] as const) {
    it(`is sent to D1 by ${life} life in batches of a bounded size, the oldest first and each run once`, async () => {
      if (life === "the next") thread.crash();
      expect(thread.life.outbox.backlog.runs).toBe(ids.length);
      expect(await thread.life.outbox.sync()).toBe(true);
      const runs = thread.batches.map((batch) => batch.runs);
      expect(Math.max(...runs.map(({ length }) => length))).toBeLessThanOrEqual(20);
      expect(runs.flat().map(({ invocation_id }) => invocation_id)).toEqual(ids);
      expect(runs.flat().every(({ status }) => status === "completed")).toBe(true);
      expect(thread.life.outbox.pending).toBe(false);
    });
  }

  it("sends a run again that changed while its batch was in flight, wherever it is in the backlog", async () => {
    const changed = ["inv_0", "inv_69"];
    whileSending = () => {
      for (const id of changed.splice(0)) {
        const record = findRun(thread.life, id);
        if (record !== null) transact(thread.life, () => storeRun(thread.life, record));
      }
    };
    expect(await thread.life.outbox.sync()).toBe(true);
    const sent = new Map(thread.batches.flatMap((batch) => batch.runs.map((run) => [run.invocation_id, run.version])));
    for (const id of ids) expect(sent.get(id)).toBe(findRun(thread.life, id)?.version);
  });

  it("is dropped if the thread is removed while a batch is in flight", async () => {
    thread.crash();
    whileSending = () => {
      thread.life.outbox.stop();
      dropTables(thread.life.database.sql);
    };
    expect(await thread.life.outbox.sync()).toBe(true);
    expect(thread.batches.filter(({ runs }) => runs.length > 0).length).toBe(1);
  });
});

describe("deliveries that D1 made of a batch", () => {
  const name = { user_id: "user_1", webhook_id: "hook_1", delivery_id: "del_1" };

  it("are sent to the queue, and nothing waits for it", async () => {
    const thread = new FakeThread({
      replies: [say("hello")],
      eventDeliveries: { made: [name], tasks_subscribed: false },
    });
    await thread.run("hi");
    expect(thread.jobs).toContainEqual({ type: "deliver_webhook", ...name });
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)).toMatchObject({ end_seq: expect.any(Number) });
  });

  it("have the newest event number for a run that ended before it started", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.run("hi", { invocation_id: "inv_a" });
    await thread.accept("later", { invocation_id: "inv_b", background: true });
    await cancelRun(thread.life, "inv_b");
    await thread.life.outbox.sync();
    const sent = thread.batches.flatMap(({ runs }) => runs).filter(({ status }) => status === "cancelled");
    expect(sent).toMatchObject([{ invocation_id: "inv_b", end_seq: thread.life.journal.newest }]);
    expect(thread.life.journal.newest).toBeGreaterThan(0);
  });

  it.each([
    ["a second after it where a webhook hears of tasks", true, 1],
    ["later where none does", false, 0],
  ])("of a plan that changed bring D1 up to date %s", async (_when, tasks_subscribed, batches) => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [say("hello")], clock, eventDeliveries: { made: [], tasks_subscribed } });
    await thread.run("hi");
    const before = thread.batches.length;
    const operations = [{ op: "create" as const, sections: [{ title: "s", tasks: ["one", "two"] }] }];
    for (const request_id of ["a", "b"]) {
      await editPlan(thread.life, {
        request_id,
        version: null,
        operations: request_id === "a" ? operations : reword(thread),
      });
    }
    clock.advance(1_000);
    await settle();
    expect(thread.batches.length - before).toBe(batches);
    if (batches === 0) return;
    expect(thread.batches.at(-1)?.plan_change).toEqual({ seq: thread.life.journal.newest, invocation_id: null });
  });
});

function reword(thread: FakeThread) {
  const [task] = thread.life.state.plan.tasks;
  return [{ op: "update" as const, task_ids: [task?.id ?? ""], content: "another" }];
}

describe("a thread whose project D1 has lost", () => {
  const lookFor = (thread: FakeThread) => {
    const { openSandbox } = thread.life.ports;
    thread.life.ports.openSandbox = async (asked, onState, memory, maker, invocation_id, origin) => {
      origin?.onUnknown();
      return await openSandbox(asked, onState, memory, maker, invocation_id);
    };
  };

  it("brings itself and the project to D1 again with the run that opens the sandbox", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    await thread.run("hi");
    await thread.life.outbox.sync();
    expect(thread.batches.filter(({ project }) => project !== null)).toHaveLength(1);
    const { stored } = thread.life;
    thread.batches.splice(0);
    thread.crash();
    lookFor(thread);
    await thread.run("go on");
    await thread.life.outbox.sync();
    const again = thread.batches.filter((batch) => batch.thread !== null);
    const { project_id } = stored.thread;
    expect(again).toMatchObject([{ thread: { project_id }, project: { project_id, ...stored.made_project } }]);
    // Another D1, bound by mistake, may know the owner as deleted.
    expect(again[0]?.is_first).toBeUndefined();
    expect(thread.life.outbox.pending).toBe(false);
  });

  it("does so too if that is found while another batch is under way", async () => {
    let whileSending = (): void => {};
    const thread = new FakeThread({ defaultReply: say("hello"), syncThread: async () => whileSending() });
    await thread.run("hi");
    await thread.life.outbox.sync();
    await thread.run("go on");
    whileSending = () => {
      whileSending = () => {};
      thread.life.outbox.sendThreadAgain();
    };
    thread.batches.splice(0);
    const { newestStarted } = thread.life;
    if (newestStarted !== null) transact(thread.life, () => storeRun(thread.life, newestStarted));
    expect(await thread.life.outbox.sync()).toBe(true);
    expect(thread.batches.map((batch) => [batch.thread !== null, batch.project !== null])).toEqual([
      [false, false],
      [true, true],
    ]);
  });
});
