import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { Chain } from "../../protocol/chain.ts";
import { peopleTools } from "../../tools/people.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { cancelRun } from "./control.ts";
import { editPlan } from "./plan-edit.ts";
import { ensureRunning } from "./run.ts";

const cause = (invocation_id: string) => ({ trigger_id: "trig_1", thread_id: "thread-0", invocation_id });
const one: Chain = { hops: 1, caused_by: [cause("inv_0")] };
const two: Chain = { hops: 2, caused_by: [cause("inv_0"), cause("inv_1")] };
const none: Chain = { hops: 0, caused_by: [] };

function chainAt(thread: FakeThread, invocation_id: string): Chain | null {
  const run = findRun(thread.life, invocation_id)?.run;
  return run === undefined ? null : { hops: run.hops, caused_by: run.caused_by };
}

/** The chain that D1 got last. */
function chainInD1(thread: FakeThread, invocation_id: string): Chain | null {
  const run = thread.batches.flatMap(({ runs }) => runs).findLast((sent) => sent.invocation_id === invocation_id);
  return run === undefined ? null : { hops: run.hops, caused_by: run.caused_by };
}

describe("a run's chain", () => {
  it("is the one that the run was started with, in the answer, in every life and in D1, and empty if it had none", async () => {
    const thread = new FakeThread({ replies: [say("a"), say("b")] });
    const accepted = await thread.accept("hi", { invocation_id: "inv_a", chain: two, background: true });
    expect(accepted).toMatchObject({ ok: true, value: { run: two } });
    thread.crash();
    expect(chainAt(thread, "inv_a")).toEqual(two);
    await thread.run("a person's", { invocation_id: "inv_b" });
    thread.crash();
    expect([chainAt(thread, "inv_a"), chainAt(thread, "inv_b")]).toEqual([two, none]);
    expect([chainInD1(thread, "inv_a"), chainInD1(thread, "inv_b")]).toEqual([two, none]);
  });

  it("stays the same when a life ends during the run", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y")] });
    await thread.accept("hi", { invocation_id: "inv_a", chain: one });
    await gate.reached;
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect([chainAt(thread, "inv_a"), chainInD1(thread, "inv_a")]).toEqual([one, one]);
  });

  it("is not part of the idempotency hash: a repeated delivery returns the first one's run", async () => {
    const thread = new FakeThread({ replies: [say("a")] });
    await thread.run("hi", { invocation_id: "inv_a", chain: one });
    const repeated = await thread.accept("hi", { invocation_id: "inv_a", chain: two });
    expect(repeated).toMatchObject({ ok: true, value: { created: false, run: one } });
  });

  it("does not depend on the run that it waits behind or replaces", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y"), say("z")] });
    await thread.accept("hi", { invocation_id: "inv_a", chain: two });
    await gate.reached;
    await thread.accept("next", { invocation_id: "inv_b" });
    await thread.accept("instead", { invocation_id: "inv_c", chain: one, on_busy: "replace" });
    gate.open();
    await thread.read({ invocation_id: "inv_c" }).untilClosed();
    expect(["inv_a", "inv_b", "inv_c"].map((id) => chainAt(thread, id))).toEqual([two, none, one]);
    expect(chainInD1(thread, "inv_a")).toEqual(two);
  });
});

describe("a message that steers", () => {
  const steer = { invocation_id: "inv_s", on_busy: "steer" } as const;

  async function steered(chain: Chain | undefined, of: Chain | undefined, crash = false): Promise<FakeThread> {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("begun", "ended"), say("as you like"), say("again")] });
    await thread.accept("hi", { invocation_id: "inv_a", ...(of && { chain: of }) });
    await gate.reached;
    await thread.accept("blue", { ...steer, ...(chain && { chain }) });
    // The run has done nothing for the message yet.
    expect(chainAt(thread, "inv_a")).toEqual(of ?? none);
    if (crash) {
      thread.crash();
      ensureRunning(thread.life);
    }
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    return thread;
  }

  it("gives the run that takes it the longer chain, in every life", async () => {
    for (const crash of [false, true]) {
      const thread = await steered(two, one, crash);
      expect([chainAt(thread, "inv_a"), chainInD1(thread, "inv_a")]).toEqual([two, two]);
      thread.crash();
      expect(chainAt(thread, "inv_a")).toEqual(two);
    }
  });

  it("gives the chain in the transaction that takes it, so the end of the life right after changes nothing", async () => {
    const [before, after] = [new Gate(), new Gate()];
    const thread = new FakeThread({ replies: [before.say("begun", "ended"), after.say("as you", "like")] });
    await thread.accept("hi", { invocation_id: "inv_a" });
    await before.reached;
    await thread.accept("blue", { ...steer, chain: two });
    before.open();
    await after.reached;
    thread.crash();
    expect(chainAt(thread, "inv_a")).toEqual(two);
  });

  it("leaves a longer chain of the run as it is", async () => {
    expect(chainAt(await steered(one, two), "inv_a")).toEqual(two);
    expect(chainAt(await steered(undefined, one), "inv_a")).toEqual(one);
  });

  it("keeps its chain if it comes too late and becomes a run of its own", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("begun", "ended"), say("as you like")] });
    await thread.accept("hi", { invocation_id: "inv_a" });
    await gate.reached;
    await thread.accept("blue", { ...steer, chain: two });
    await cancelRun(thread.life, "inv_a");
    await thread.read({ invocation_id: "inv_s" }).untilClosed();
    expect([chainAt(thread, "inv_a"), chainAt(thread, "inv_s")]).toEqual([none, two]);
  });
});

describe("the run after one that asked a person", () => {
  const ask = call({ id: "c1", name: "ask", input: { question: "which?", choices: ["red", "blue"] } });

  async function asked(chain = two): Promise<FakeThread> {
    const thread = new FakeThread({ replies: [ask, say("thanks")], tools: peopleTools });
    await thread.run("hi", { invocation_id: "inv_a", chain });
    return thread;
  }

  it("continues the chain of the run that asked if it answers, by a resume or a message", async () => {
    const resume = [{ interrupt_id: "int_c1", status: "resolved" as const, payload: "blue" }];
    for (const answer of [{ messages: [], resume }, {}]) {
      const thread = await asked();
      await thread.run("blue", { invocation_id: "inv_b", ...answer });
      expect(findRun(thread.life, "inv_b")?.run.resumes).toBe("inv_a");
      expect([chainAt(thread, "inv_b"), chainInD1(thread, "inv_b")]).toEqual([two, two]);
    }
  });

  it("keeps its own chain if that is longer or if it answers nothing", async () => {
    const longer = await asked(one);
    await longer.run("blue", { invocation_id: "inv_b", chain: two });
    expect(chainAt(longer, "inv_b")).toEqual(two);
    const other = await asked();
    await other.run("another delivery", { invocation_id: "inv_b", answers_nothing: true, chain: one });
    expect(chainAt(other, "inv_b")).toEqual(one);
  });
});

describe("a change of the plan is sent to D1 with the hops", () => {
  const plan = { sections: [{ title: "s", tasks: ["one"] }] };
  const create = call({ id: "c1", name: "create_tasks", input: plan });
  const edit = (thread: FakeThread, task = "two", hops?: number) => {
    const operations = [{ op: "create" as const, sections: [{ title: "s", tasks: [task] }] }];
    return editPlan(thread.life, { request_id: task, version: null, operations, hops });
  };

  const changesOf = ({ batches }: FakeThread) =>
    batches.flatMap(({ plan_change }) => (plan_change ? [[plan_change.invocation_id, plan_change.hops ?? 0]] : []));

  const withPlan = (options: FakeThreadOptions = {}) =>
    new FakeThread({ tools: taskTools, replies: [create], defaultReply: say("done"), ...options });

  it("of the run that made it", async () => {
    const thread = withPlan();
    await thread.run("hi", { invocation_id: "inv_a", chain: two });
    expect(changesOf(thread)).toContainEqual(["inv_a", 2]);
  });

  it("of no run if a person made it between runs, and of the active run if there is one", async () => {
    const thread = withPlan({ replies: [] });
    await thread.run("hi", { invocation_id: "inv_a", chain: two });
    await edit(thread);
    await thread.life.outbox.sync();
    expect(changesOf(thread)).toEqual([[null, 0]]);
    const gate = new Gate();
    const working = withPlan({ replies: [gate.say("begun", "ended")] });
    await working.accept("hi", { invocation_id: "inv_a", chain: one });
    await gate.reached;
    await edit(working);
    await working.life.outbox.sync();
    expect(changesOf(working)).toEqual([["inv_a", 1]]);
    gate.open();
    await working.read({ invocation_id: "inv_a" }).untilClosed();
  });

  it("that a program passed on with the change", async () => {
    const thread = withPlan({ replies: [] });
    await thread.run("hi", { invocation_id: "inv_a", chain: one });
    await edit(thread, "two", 2);
    await thread.life.outbox.sync();
    expect(changesOf(thread)).toEqual([[null, 2]]);
  });

  it("of the run that was active when a life ended", async () => {
    const gate = new Gate();
    const thread = withPlan({ replies: [create, gate.say("begun", "ended")] });
    await thread.accept("hi", { invocation_id: "inv_a", chain: two });
    await gate.reached;
    thread.crash();
    await thread.life.outbox.sync();
    expect(changesOf(thread)).toContainEqual(["inv_a", 2]);
  });

  it("of the longest chain if several changes are sent together", async () => {
    let isAway = true;
    const thread = withPlan({
      syncThread: async () => {
        if (isAway) throw new Error("away");
      },
    });
    await thread.run("hi", { invocation_id: "inv_a", chain: two });
    await edit(thread);
    isAway = false;
    await thread.life.outbox.sync();
    expect(changesOf(thread)).toEqual([[null, 2]]);
    await edit(thread, "three");
    await thread.life.outbox.sync();
    expect(changesOf(thread).at(-1)).toEqual([null, 0]);
  });
});
