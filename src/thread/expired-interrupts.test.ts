// What can be said to a question whose time is over.
import { describe, expect, it } from "vitest";
import { refusalOf, resultsOf } from "../../test/fakes/answered-thread.ts";
import { approve, makeThread, next, resume, run, work } from "../../test/fakes/approved-calls.ts";
import { call, say } from "../../test/fakes/replies.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import { findRun } from "./life.ts";

describe("an interrupt that expires", () => {
  const clock = { now: () => now, setTimer: () => () => {} };
  let now = 0;

  it("is answered in time, can only be cancelled afterwards, and does nothing by itself", async () => {
    now = Date.parse("2026-11-25T10:00:00.000Z");
    const { thread, done } = makeThread([work("x1"), say("late")], { interrupt_ms: 60_000, clock });
    await thread.run("hi", run);
    const { interrupts } = findRun(thread.life, "inv_a")?.run ?? { interrupts: [] };
    expect(interrupts[0]?.expires_at).toBe("2026-11-25T10:01:00.000Z");
    now += 60_000;
    expect(await refusalOf(thread, approve("int_x1"))).toMatch(/^interrupt_answered: .*expired at 2026-11-25T10:01/);
    await thread.run("", resume({ interrupt_id: "int_x1", status: "cancelled" }));
    expect(done).toEqual([]);
    expect(resultsOf(thread).x1).toMatch(/^declined/);
  });

  it("is not answered by a message that comes too late, if it is a question", async () => {
    now = Date.parse("2026-11-25T10:00:00.000Z");
    const ask = call({ id: "q", name: "ask", input: { question: "which?" } });
    const { thread } = makeThread([ask, say("ok")], { interrupt_ms: 60_000, clock });
    await thread.run("hi", run);
    now += 60_001;
    await thread.run("blue", next);
    expect(resultsOf(thread).q).toBe("The person did not answer this question.");
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "blue" });
  });

  it("lets a late message start a new run with the current agent, if it is a question", async () => {
    now = Date.parse("2026-11-25T10:00:00.000Z");
    const agent: Partial<AgentConfig> = { instructions: "Be careful." };
    const ask = call({ id: "q", name: "ask", input: { question: "which?" } });
    const { thread } = makeThread([ask, say("ok")], { agent, interrupt_ms: 60_000, clock });
    await thread.run("hi", { ...run, model: "small" });
    agent.instructions = "Be bold.";
    now += 60_000;
    await thread.run("blue", next);
    expect(thread.requests[1]).toMatchObject({ model: "test-model" });
    expect(String(thread.requests[1]?.messages[0]?.content).includes("Be bold.")).toBe(true);
  });
});
