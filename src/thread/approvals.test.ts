import { describe, expect, it, vi } from "vitest";
import { refusalOf, resultsOf } from "../../test/fakes/answered-thread.ts";
import { answer, approve, makeThread, next, resume, run, work } from "../../test/fakes/approved-calls.ts";
import { call, type Reply, say } from "../../test/fakes/replies.ts";
import type { FakeThread } from "../../test/fakes/thread.ts";
import { type AgentConfig, defaultAgent } from "../protocol/agents/agent.ts";
import type { RunInput } from "../protocol/thread.ts";
import { findRun } from "./life.ts";

describe("a call that needs approval", () => {
  it("interrupts the run before the call is made, and sets no alarm", async () => {
    const { thread, done } = makeThread([work("x1")]);
    const { events } = await thread.run("hi", run);
    expect(done).toEqual([]);
    const response_schema = {
      type: "object",
      properties: {
        approved: { type: "boolean" },
        reason: { type: "string" },
        arguments: { type: "object", default: { what: "x1" } },
      },
      required: ["approved"],
      additionalProperties: false,
    };
    const asked = { id: "int_x1", reason: "approval", message: 'work: {"what":"x1"}' };
    expect(events.at(-1)).toMatchObject({
      outcome: { type: "interrupt", interrupts: [{ ...asked, toolCallId: "x1", responseSchema: response_schema }] },
    });
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({
      status: "interrupted",
      interrupts: [{ ...asked, tool_call_id: "x1", response_schema }],
    });
    expect(thread.life.live.size).toBe(0);
    const alarms = thread.alarms.length;
    await thread.alarm();
    expect(thread.alarms.length).toBe(alarms);
    expect(thread.requests.length).toBe(1);
  });

  it("is made once, by the run that brings the approval, whose stream has the result without the call", async () => {
    const { thread, done } = makeThread([work("x1"), say("thanks")]);
    await thread.run("hi", run);
    const { events } = await thread.run("", approve("int_x1"));
    expect(done).toEqual(["x1"]);
    const types = events.map(({ type }) => type).filter((type) => type.startsWith("TOOL_CALL"));
    expect(types).toEqual(["TOOL_CALL_RESULT"]);
    expect(findRun(thread.life, "inv_b")?.run).toMatchObject({ status: "completed", resumes: "inv_a" });
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "tool", tool_call_id: "x1", content: "worked on x1" });
  });

  it("is made as the person changed it, and the model sees the change", async () => {
    const { thread, done } = makeThread([work("x1"), say("thanks")]);
    await thread.run("hi", run);
    await thread.run("", approve("int_x1", { arguments: { what: "a small thing" } }));
    expect(done).toEqual(["a small thing"]);
    expect(resultsOf(thread).x1).toMatch(/other arguments: \{"what":"a small thing"\}\)\nworked on a small thing$/);
  });

  it("is not made if it is declined, and the model gets the reason", async () => {
    const { thread, done } = makeThread([work("x1"), say("sorry")]);
    await thread.run("hi", run);
    await thread.run("", resume(answer("int_x1", { approved: false, reason: "not on a Friday" })));
    expect(done).toEqual([]);
    expect(resultsOf(thread).x1).toMatch(/^declined: .*They said: not on a Friday$/);
    expect(thread.requests.length).toBe(2);
  });

  it.each([
    ["a cancelled answer", resume({ interrupt_id: "int_x1", status: "cancelled" }), ""],
    ["another message", next, "do something else"],
  ])("is declined by %s", async (_name, more, said) => {
    const { thread, done } = makeThread([work("x1"), say("sorry")]);
    await thread.run("hi", run);
    await thread.run(said, more);
    expect(done).toEqual([]);
    expect(resultsOf(thread).x1).toMatch(/^declined: /);
    if (said) expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: said });
  });

  it.each([
    [true, ["x1"]],
    ["Approve", ["x1"]],
    ["同意", ["x1"]],
    [false, []],
    ["no", []],
    ["拒绝", []],
  ])("understands %j", async (payload, expected) => {
    const { thread, done } = makeThread([work("x1"), say("ok")]);
    await thread.run("hi", run);
    await thread.run("", resume(answer("int_x1", payload)));
    expect(done).toEqual(expected);
  });

  it.each([
    ["perhaps"],
    [null],
    [1],
    [{}],
    [[true]],
    [{ approved: "yes" }],
    [{ approved: true, sections: [] }],
    [{ approved: true, arguments: "rm" }],
    [{ approved: true, arguments: { where: 1 } }],
    [{ approved: false, reason: 1 }],
  ])("can't be answered with %j, and stays open", async (payload) => {
    const { thread, done } = makeThread([work("x1"), say("ok")]);
    await thread.run("hi", run);
    expect(await refusalOf(thread, resume(answer("int_x1", payload)))).toMatch(/^invalid_field: /);
    expect(thread.life.live.size).toBe(0);
    await thread.run("", approve("int_x1"));
    expect(done).toEqual(["x1"]);
  });

  it("keeps later calls of its message from running, and is asked together with others that need approval", async () => {
    const { thread, done } = makeThread([work("a", "x1", "b", "x2"), say("ok")]);
    await thread.run("hi", run);
    expect(done).toEqual(["a"]);
    expect(resultsOf(thread).b).toMatch(/^not executed: /);
    expect(await refusalOf(thread, approve("int_x1"))).toMatch(/^interrupts_uncovered: .*int_x2/);
    const twice = resume(answer("int_x1", true), answer("int_x1", false), answer("int_x2", true));
    expect(await refusalOf(thread, twice)).toMatch(/^invalid_field: .*twice/);
    await thread.run("", resume(answer("int_x2", true), answer("int_x1", false)));
    expect(done).toEqual(["a", "x2"]);
    expect(resultsOf(thread)).toMatchObject({ x1: expect.stringMatching(/^declined/), x2: "worked on x2" });
  });

  it("has its result before a message that comes with the approval, as providers require", async () => {
    const { thread } = makeThread([work("x1"), say("ok")]);
    await thread.run("hi", run);
    await thread.run("and quickly", { ...next, resume: [answer("int_x1", true)] });
    const roles = thread.requests[1]?.messages.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "user"]);
  });

  it("continues with the agent, the model and the max_steps of the run that asked, even if the agent changed", async () => {
    const agent: Partial<AgentConfig> = { approvals: { work: ["x*"] }, instructions: "Be careful." };
    const { thread, done } = makeThread([work("x1"), work("x2"), work("x3"), say("no")], { agent });
    await thread.run("hi", { ...run, model: "small", max_steps: 1 });
    Object.assign(agent, { approvals: {}, instructions: "Be bold." });
    const { events } = await thread.run("", approve("int_x1"));
    expect(events.at(-1)).toMatchObject({ outcome: { interrupts: [{ id: "int_x2" }] } });
    expect(thread.requests[1]).toMatchObject({ model: "small" });
    await thread.run("", { ...resume(answer("int_x2", true)), invocation_id: "inv_c", agent_id: "agent_default" });
    expect(done).toEqual(["x1", "x2"]);
    // Any other message starts a new run.
    await thread.run("go on", { invocation_id: "inv_d" });
    expect(String(thread.requests[2]?.messages[0]?.content).includes("Be careful.")).toBe(true);
    expect(String(thread.requests.at(-1)?.messages[0]?.content).includes("Be bold.")).toBe(true);
  });

  it("gets a result even if the agent that continues may not use its tool", async () => {
    const { thread, done } = makeThread([work("x1"), say("ok")]);
    await thread.run("hi", run);
    thread.life.ports.readAgent = async (_user, agent_id) => ({
      ...defaultAgent,
      agent_id,
      config: { ...defaultAgent.config, tools: [] },
    });
    const { events } = await thread.run("", { ...approve("int_x1"), agent_id: "agent_idle" });
    expect(events.filter(({ type }) => type === "TOOL_CALL_RESULT")).toMatchObject([{ toolCallId: "x1" }]);
    expect(resultsOf(thread).x1).toMatch(/^There is no tool "work"/);
    expect(done).toEqual([]);
  });

  it("is made even if the person's change makes it the third identical call", async () => {
    const same = (id: string, what = "xx"): Reply => call({ id, name: "work", input: { what } });
    const { thread, done } = makeThread([same("c1"), same("c2"), same("c3", "xy"), say("ok")]);
    await thread.run("hi", run);
    await thread.run("", approve("int_c1"));
    await thread.run("", { ...approve("int_c2"), invocation_id: "inv_c" });
    await thread.run("", { ...approve("int_c3", { arguments: { what: "xx" } }), invocation_id: "inv_d" });
    expect(done).toEqual(["xx", "xx", "xx"]);
  });

  it("whose tool then asks a question, asks under another id: a late approval does not answer the question", async () => {
    const ask = call({ id: "q", name: "ask", input: { question: "which?" } });
    const { thread } = makeThread([ask, say("ok")], { agent: { approvals: { ask: ["*"] } } });
    await thread.run("hi", run);
    const { events } = await thread.run("", approve("int_q"));
    expect(events.at(-1)).toMatchObject({ outcome: { interrupts: [{ reason: "question", toolCallId: "q" }] } });
    const late = { ...resume(answer("int_q", "yes")), invocation_id: "inv_c" };
    expect(await refusalOf(thread, late)).toMatch(/^interrupt_answered: /);
    const [asked] = findRun(thread.life, "inv_b")?.run.interrupts ?? [];
    await thread.run("", { ...resume(answer(asked?.id ?? "", "blue")), invocation_id: "inv_c" });
    expect(resultsOf(thread).q).toBe("blue");
  });

  it("does not approve the run's next call of the same kind", async () => {
    const { thread, done } = makeThread([work("x1"), work("x2")]);
    await thread.run("hi", run);
    const { events } = await thread.run("", approve("int_x1"));
    expect(done).toEqual(["x1"]);
    expect(events.at(-1)).toMatchObject({ outcome: { interrupts: [{ id: "int_x2" }] } });
  });

  it("does not start the due task before it is approved", async () => {
    const plan: Reply = call({ id: "p", name: "create_tasks", input: { section_title: "s", task_contents: ["one"] } });
    const { thread } = makeThread([plan, work("x1"), say("a"), say("b"), say("c"), say("d")]);
    await thread.run("hi", run);
    expect(thread.life.state.plan.tasks.map(({ status }) => status)).toEqual(["pending"]);
    await thread.run("", approve("int_x1"));
    expect(thread.life.state.plan.tasks.map(({ status }) => status)).toEqual(["in_progress"]);
  });

  it("is made once, whenever lives end", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    // Decides from the messages alone, so it works in any life.
    const defaultReply: Reply = (request, ...rest) =>
      (request.messages.at(-1)?.role === "tool" ? say("ok") : work("x1"))(request, ...rest);
    const results = new Set<string>();
    for (let deadly = 1; ; deadly++) {
      let count = 0;
      const { thread, done } = makeThread([], {
        defaultReply,
        dies: (when) => when === "before" && ++count === deadly,
      });
      await settle(thread, "hi", run);
      expect(findRun(thread.life, "inv_a")?.run.interrupts.map(({ id }) => id)).toEqual(["int_x1"]);
      expect(done).toEqual([]);
      await settle(thread, "", approve("int_x1"));
      const result = resultsOf(thread).x1 ?? "none";
      results.add(result);
      expect(result).toMatch(/^worked on x1$|^interrupted: .*may have happened/);
      expect(done).toEqual(["x1"]);
      if (count < deadly) break;
    }
    expect(results.size).toBe(2);
  });
});

/** Accepts the run and waits until it is over, over as many lives as it takes. */
async function settle(thread: FakeThread, said: string, more: Partial<RunInput> & { invocation_id?: string }) {
  const isOver = () => findRun(thread.life, more.invocation_id ?? "")?.released === true;
  for (;;) {
    await thread.accept(said, more).catch(() => {});
    while (thread.isAlive && !isOver()) await new Promise((resolve) => setImmediate(resolve));
    if (thread.isAlive) return;
    thread.crash();
  }
}

describe("the operator's limits", () => {
  const limits = { always_approve: { work: ["x*"] } };

  it("have a call approved that the agent approves by itself, of an agent that was stored before too", async () => {
    const { thread, done } = makeThread([work("x1"), say("thanks")], { agent: { approvals: {} }, limits });
    const { events } = await thread.run("hi", run);
    expect(done).toEqual([]);
    expect(events.at(-1)).toMatchObject({ outcome: { type: "interrupt", interrupts: [{ reason: "approval" }] } });
    expect(thread.requests[0]?.messages[0]?.content).toContain("wait for the person's approval");
    await thread.run("", approve("int_x1"));
    expect(done).toEqual(["x1"]);
    // The agent is stored as it was given: without the limits, its next run asks nothing.
    expect(findRun(thread.life, "inv_b")?.agent.config.approvals).toEqual({});
  });

  it("have it approved beside a plan that is approved, each by its own question", async () => {
    const agent = { approvals: {}, plan_approval: true };
    const sections = [{ title: "A", tasks: ["one"] }];
    const plan = call({ id: "p1", name: "create_tasks", input: { sections } });
    const { thread, done } = makeThread([plan, work("x1"), say("thanks")], { agent, limits });
    const first = await thread.run("hi", run);
    expect(first.events.at(-1)).toMatchObject({ outcome: { interrupts: [{ reason: "plan_approval" }] } });
    const second = await thread.run("", resume(answer("int_p1", { approved: true })));
    expect(second.events.at(-1)).toMatchObject({ outcome: { interrupts: [{ reason: "approval", id: "int_x1" }] } });
    expect(done).toEqual([]);
  });

  it("lower the steps of a run that asked for more before, and say whose limit it is", async () => {
    const replies = [work("a"), work("b"), work("c")];
    const { thread } = makeThread(replies, { limits: { max_steps: 2 } });
    await thread.run("hi", { ...run, max_steps: 50 });
    expect(thread.requests.length).toBe(2);
    expect(findRun(thread.life, "inv_a")?.run.error).toEqual({
      code: "max_steps",
      message: "The run reached this server's limit of 2 steps before it was finished. Send another message to go on.",
    });
    const lower = makeThread([work("a"), work("b")], { limits: { max_steps: 2 } });
    await lower.thread.run("hi", { ...run, max_steps: 1 });
    expect(findRun(lower.thread.life, "inv_a")?.run.error?.message).toMatch(/its limit of 1 steps.*raise max_steps/);
  });
});
