// A run's own caps, from its start to its end: what a model is sent, what a reader sees, and how the run ends.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime, settle } from "../../../test/fakes/stream.ts";
import type { FakeThread } from "../../../test/fakes/thread.ts";
import { defineTool } from "../../agent/tool.ts";
import { findRun } from "../life.ts";
import { ensureRunning } from "../run/run.ts";

const run = { invocation_id: "inv_a" };

function limitsSent(thread: FakeThread): (number | undefined)[] {
  return thread.requests.map(({ options }) => options?.max_output_tokens);
}

describe("a run without caps", () => {
  it("sends no limit that was not sent before, and counts what its provider counts", async () => {
    const thread = cappedThread([looks("c1"), says("done")]);
    await thread.run("hi", run);
    expect(limitsSent(thread)).toEqual([undefined, undefined]);
    expect(runOf(thread).usage).toEqual(counted({ input_tokens: 2_000, output_tokens: 1_000 }));
    expect(runOf(thread)).not.toHaveProperty("caps");
  });

  it("makes no transaction more for its reservations", async () => {
    let count = 0;
    const dies = (when: "before" | "after") => {
      if (when === "before") count += 1;
      return false;
    };
    const thread = cappedThread([looks("c1"), looks("c2"), says("done")], { dies });
    await thread.run("hi", run);
    // The start, two replies with a call that starts and ends each, the last reply, the end, its release; and whatever
    // D1 has.
    const first = count;
    count = 0;
    thread.replies.push(looks("c3"), looks("c4"), says("done"));
    await thread.run("more", { invocation_id: "inv_b" });
    expect(count).toBeLessThanOrEqual(first);
    const facts = 1 + 2 * 3 + 1;
    expect(first).toBeLessThanOrEqual(facts + 4);
  });

  it("keeps a call charged whose reply has no count, and says so", async () => {
    const thread = cappedThread([says("done", null)]);
    await thread.run("hi", run);
    const { usage } = runOf(thread);
    expect(usage.estimated?.calls).toBe(1);
    expect(usage.estimated?.output_tokens).toBe(usage.output_tokens);
    expect(usage.output_tokens).toBe(16_000);
  });

  it("costs what its model's price says, in whole nanodollars, and nothing is known without one", async () => {
    const thread = cappedThread([looks("c1", counted({ cached_input_tokens: 400 })), says("done")]);
    thread.prices = { "test-model": { input: 1.25, cached_input: 0.125, output: 10 } };
    await thread.run("hi", run);
    const nano = (600 + 1_000) * 1_250 + 400 * 125 + 2 * 500 * 10_000;
    expect(runOf(thread).usage.cost_usd).toBe(nano / 1e9);
    const unpriced = cappedThread([says("done")]);
    await unpriced.run("hi", run);
    expect(runOf(unpriced).usage.cost_usd).toBeNull();
  });
});

describe("a cap in tokens", () => {
  it("shortens the reply to what is left, and ends the run where less than 1,000 tokens are", async () => {
    const thread = cappedThread([
      looks("c1", counted({ output_tokens: 16_000 })),
      looks("c2", counted({ output_tokens: 4_000 })),
      says("never"),
    ]);
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_total_tokens: 24_000 }] });
    const [first, second, third] = limitsSent(thread);
    expect(first).toBe(16_000);
    expect(second).toBeLessThan(24_000 - 17_000);
    expect(second).toBeGreaterThanOrEqual(1_000);
    expect(third).toBeUndefined();
    const ended = runOf(thread);
    expect(ended).toMatchObject({ status: "failed", caps: { max_total_tokens: 24_000 } });
    expect(ended.error).toMatchObject({
      code: "budget",
      cap: { scope: "run", name: "max_total_tokens", limit: 24_000 },
    });
    expect(ended.usage.input_tokens + ended.usage.output_tokens).toBeLessThanOrEqual(24_000);
  });

  it("names the agent where its cap is the lower one", async () => {
    const thread = cappedThread([says("never")], { agent: { max_total_tokens: 500 } });
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_total_tokens: 24_000 }] });
    expect(thread.requests).toEqual([]);
    expect(runOf(thread)).toMatchObject({
      caps: { max_total_tokens: 500 },
      error: { cap: { scope: "agent", limit: 500 } },
    });
  });

  it("says to raise it where not even one call fits, since no other message would continue", async () => {
    const thread = cappedThread([says("never")], { agent: { max_total_tokens: 500 } });
    await thread.run("hi", run);
    expect(runOf(thread).error).toMatchObject({
      reason: "too_low",
      message:
        "The cap of 500 tokens for a run of this agent is too low for the next model call alone. Raise it in the agent, then send another message to go on.",
    });
    const idle = cappedThread([says("never")], { agent: { max_minutes: 0 } });
    await idle.run("hi", run);
    expect(runOf(idle).error).toMatchObject({ reason: "too_low", cap: { name: "max_minutes", limit: 0 } });
    const spent = cappedThread([looks("c1", counted({ output_tokens: 20_000 })), says("never")]);
    await spent.run("hi", { ...run, caps: [{ scope: "run", max_total_tokens: 24_000 }] });
    expect(runOf(spent).error).not.toHaveProperty("reason");
    expect(runOf(spent).error?.message).toMatch(/ leaves too little .* send another message to go on\.$/);
  });

  it("warns once at four fifths, and says at the end that it was reached", async () => {
    const thread = cappedThread([
      looks("c1", counted({ output_tokens: 9_000 })),
      looks("c2", counted({ output_tokens: 1_000 })),
      says("never"),
    ]);
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_total_tokens: 12_000 }] });
    const events = thread.batches.flatMap(({ budget_events }) => budget_events ?? []);
    expect([...new Set(events.map(({ event }) => event))]).toEqual(["budget.warning", "budget.reached"]);
    expect(events.filter(({ event }) => event === "budget.reached")).toMatchObject([
      { id: "", invocation_id: "inv_a", cap: { scope: "run", name: "max_total_tokens", limit: 12_000 }, hops: 0 },
    ]);
    expect(findRun(thread.life, "inv_a")?.spending.events).toEqual([]);
  });
});

describe("a cap in USD", () => {
  it("refuses a model without a price, and takes a price of 0", async () => {
    const thread = cappedThread([says("never")]);
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_cost_usd: 1 }] });
    expect(thread.requests).toEqual([]);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "price_unknown" } });
    const free = cappedThread([says("done")]);
    free.prices = { "test-model": { input: 0, output: 0 } };
    await free.run("hi", { ...run, caps: [{ scope: "run", max_cost_usd: 0 }] });
    expect(runOf(free)).toMatchObject({ status: "completed", usage: { cost_usd: 0 } });
  });

  it("is never passed while the provider counts no more than was reserved", async () => {
    const thread = cappedThread([looks("c1"), looks("c2"), looks("c3"), looks("c4"), says("done")]);
    thread.prices = { "test-model": { input: 10, output: 30 } };
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_cost_usd: 0.15 }] });
    expect(runOf(thread)).toMatchObject({
      status: "failed",
      error: { code: "budget", cap: { name: "max_cost_usd", limit: 0.15 } },
    });
    expect(runOf(thread).usage.cost_usd).toBeLessThanOrEqual(0.15);
    expect(thread.requests.length).toBeGreaterThan(0);
  });

  it("holds also where the agent asks for a faster service, which is reserved at what it costs at most", async () => {
    const extra_body = { service_tier: "priority" };
    const thread = cappedThread([says("done", null)], { agent: { model_options: { extra_body } } });
    thread.prices = { "test-model": { input: 1, output: 10 }, "test-model priority": { input: 2.5, output: 25 } };
    await thread.run("hi", { ...run, caps: [{ scope: "run", max_cost_usd: 0.2 }] });
    const { cost_usd } = runOf(thread).usage;
    expect(cost_usd).toBeLessThanOrEqual(0.2);
    expect(cost_usd).toBeGreaterThan(0.19);
  });
});

describe("a cap on minutes", () => {
  const wait = defineTool({
    name: "look",
    description: "Waits.",
    read_only: false,
    recovery: "repeat",
    time_limit_ms: 3_600_000,
    kind: "work",
    schema: z.strictObject({}),
    execute: (_input, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ content: "stopped", is_error: true, details: {} }));
      }),
  });

  it("ends the run within a second of its time, during a tool call", async () => {
    const clock = new FakeClock();
    const thread = cappedThread([looks("c1"), says("never")], { clock, tools: [wait] });
    await thread.accept("hi", { ...run, caps: [{ scope: "run", max_minutes: 2 }] });
    await passTime(clock, 119_000);
    expect(runOf(thread).status).toBe("running");
    await passTime(clock, 4_000);
    expect(runOf(thread)).toMatchObject({
      status: "failed",
      error: { code: "budget", cap: { scope: "run", name: "max_minutes", limit: 2 } },
    });
    const worked = runOf(thread).worked_ms ?? 0;
    expect(worked).toBeGreaterThanOrEqual(120_000);
    expect(worked).toBeLessThan(122_000);
  });

  it("sets no timer where it does not hold, and counts the lives of a run together", async () => {
    const clock = new FakeClock();
    const thread = cappedThread([looks("c1")], { clock, tools: [wait], defaultReply: says("never") });
    await thread.accept("hi", { ...run, caps: [{ scope: "run", max_minutes: 2 }] });
    await passTime(clock, 90_000);
    await thread.alarm();
    thread.crash();
    await passTime(clock, 60_000);
    ensureRunning(thread.life);
    await settle();
    // The minute in which no life worked does not count.
    expect(runOf(thread).worked_ms).toBeGreaterThanOrEqual(89_000);
    expect(runOf(thread).worked_ms).toBeLessThan(95_000);
  });

  it("asks between steps, where the agent asks, and lets a tool finish", async () => {
    const clock = new FakeClock();
    const slow = {
      ...wait,
      execute: async () => {
        clock.advance(180_000);
        return { content: "seen", is_error: false, details: {} };
      },
    };
    const thread = cappedThread([looks("c1"), says("never")], {
      clock,
      tools: [slow],
      agent: { on_cap: "ask", max_minutes: 1 },
    });
    await thread.accept("hi", run);
    await passTime(clock, 3_000);
    expect(runOf(thread)).toMatchObject({
      status: "interrupted",
      interrupts: [{ id: "int_budget_inv_a", reason: "budget" }],
    });
  });
});

it("keeps the caps of an agent for a message that came too late to steer", async () => {
  const thread = cappedThread([say("done"), says("never")], { agent: { max_total_tokens: 24_000 } });
  const accepted = await thread.accept("hi", run);
  expect(accepted.ok).toBe(true);
  await thread.accept("more", { invocation_id: "inv_late", on_busy: "steer" });
  await thread.read({ invocation_id: "inv_a" }).untilClosed();
  const late = findRun(thread.life, "inv_late") ?? findRun(thread.life, "inv_a");
  expect(late?.spending.caps).toEqual([
    { scope: "agent", max_cost_usd: null, max_minutes: null, max_total_tokens: 24_000 },
  ]);
});
