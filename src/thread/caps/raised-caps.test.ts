// A run that asks a person to raise its cap.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import type { Reply } from "../../../test/fakes/replies.ts";
import type { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { acceptRun } from "../inbox/accept.ts";
import { findRun } from "../life.ts";

const run = { invocation_id: "inv_a" };

describe("a run that asks a person to raise its cap", () => {
  const answer = (payload: unknown, more: Partial<RunInput> = {}): Partial<RunInput> => ({
    invocation_id: "inv_b",
    messages: [],
    resume: [{ interrupt_id: "int_budget_inv_a", status: "resolved", payload }],
    ...more,
  });

  async function askedThread(...then: Reply[]): Promise<FakeThread> {
    const thread = cappedThread([looks("c1", counted({ output_tokens: 16_000 })), ...then], {
      agent: { on_cap: "ask", max_total_tokens: 20_000 },
    });
    await thread.run("hi", run);
    return thread;
  }

  it("ends with one interrupt without a call, and nothing is lost of the step before", async () => {
    const thread = await askedThread();
    const ended = runOf(thread);
    expect(ended.status).toBe("interrupted");
    expect(ended.interrupts).toMatchObject([
      {
        id: "int_budget_inv_a",
        reason: "budget",
        tool_call_id: "",
        expires_at: null,
        response_schema: {
          properties: { approved: { type: "boolean" }, max_total_tokens: { exclusiveMinimum: 20_000 } },
        },
      },
    ]);
    expect(findRun(thread.life, "inv_a")?.spending.calls).toEqual([]);
  });

  it.each([
    ["a plain yes doubles the cap", "yes", 40_000],
    ["a boolean doubles the cap", true, 40_000],
    ["a number is the new cap", { approved: true, max_total_tokens: 100_000 }, 100_000],
  ])("continues with its count: %s", async (_, payload, raised) => {
    const thread = await askedThread(says("done"));
    await thread.run("", answer(payload));
    expect(runOf(thread, "inv_b")).toMatchObject({
      status: "completed",
      caps: { max_total_tokens: raised },
      resumes: "inv_a",
    });
    const record = findRun(thread.life, "inv_b");
    expect(record?.spending.before.tokens).toBe(17_000);
  });

  it.each([
    ["declined", answer(false)],
    ["cancelled", { ...answer(null), resume: [{ interrupt_id: "int_budget_inv_a", status: "cancelled" as const }] }],
  ])("fails without a model call when it is %s", async (_, input) => {
    const thread = await askedThread(says("never"));
    const { events } = await thread.run("", input);
    expect(thread.requests.length).toBe(1);
    expect(runOf(thread, "inv_b")).toMatchObject({
      status: "failed",
      error: { code: "budget", cap: { scope: "agent" } },
    });
    expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "budget" });
    expect(runOf(thread, "inv_b").usage.input_tokens).toBe(0);
  });

  it("refuses an answer that raises nothing, and one with another field", async () => {
    const thread = await askedThread();
    for (const payload of [
      { approved: true, max_total_tokens: 20_000 },
      { approved: true, max_total_tokens: -1 },
      { approved: true, sections: [] },
    ]) {
      const refused = await acceptRun(thread.life, thread.input("", answer(payload)), false);
      expect(refused).toMatchObject({ ok: false, error: { code: "invalid_field" } });
    }
  });

  it("starts anew with a plain message", async () => {
    const thread = await askedThread(says("done"));
    await thread.run("never mind", { invocation_id: "inv_b" });
    expect(runOf(thread, "inv_b").caps).toEqual({ max_total_tokens: 20_000 });
    expect(findRun(thread.life, "inv_b")?.spending.before.tokens).toBe(0);
  });

  it("reads the same after the life has ended", async () => {
    const thread = await askedThread(says("done"));
    thread.crash();
    await thread.run("", answer({ approved: true }));
    expect(runOf(thread, "inv_b")).toMatchObject({ status: "completed", caps: { max_total_tokens: 40_000 } });
  });
});
