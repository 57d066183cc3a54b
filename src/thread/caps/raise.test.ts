// One agreement is enough for the next model call, however small the cap was, and the person reads what it becomes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import type { CapName, Caps } from "../../protocol/money/caps.ts";
import { findRun } from "../life.ts";

const prices = { "test-model": { input: 1.25, cached_input: 0.125, output: 10 } };

function answerTo(invocation_id: string, payload: unknown) {
  const interrupt_id = `int_budget_${invocation_id}`;
  return { messages: [], resume: [{ interrupt_id, status: "resolved" as const, payload }] };
}

/** A run of an agent that asks, in front of its first call or behind one that was counted. */
async function ask(caps: Caps, used?: ReturnType<typeof counted>) {
  const before = used === undefined ? [] : [looks("c1", used)];
  const thread = cappedThread([...before, says("done")], { agent: { on_cap: "ask", ...caps } });
  thread.prices = prices;
  await thread.run("hi", { invocation_id: "inv_a" });
  return thread;
}

describe("a person who agrees to continue", () => {
  it.each<[string, Caps]>([
    ["one token", { max_total_tokens: 1 }],
    ["less than a request", { max_total_tokens: 1_500 }],
    ["a billionth of a dollar", { max_cost_usd: 1e-9 }],
    ["a cent's tenth", { max_cost_usd: 0.001 }],
  ])("is asked once for the next call, where the cap is %s, and reads the cap that it becomes", async (_, caps) => {
    const thread = await ask(caps);
    expect(thread.requests).toHaveLength(0);
    const [interrupt] = runOf(thread).interrupts ?? [];
    const [name = ""] = Object.keys(caps);
    await thread.run("", { invocation_id: "inv_b", ...answerTo("inv_a", true) });
    expect(thread.requests).toHaveLength(1);
    const run = runOf(thread, "inv_b");
    expect(run.status).toBe("completed");
    const raised = run.caps?.[name as CapName] ?? 0;
    expect(interrupt?.response_schema).toMatchObject({ properties: { [name]: { default: raised } } });
    const shown = raised.toLocaleString("en-US", { maximumFractionDigits: 9 });
    const amount = name === "max_cost_usd" ? `$${shown}` : `${shown} tokens`;
    expect(interrupt?.message).toContain(`Raise it to ${amount} and go on?`);
  });

  it("is asked once for all caps that leave too little, and reads what each becomes", async () => {
    const thread = await ask({ max_total_tokens: 1_000, max_cost_usd: 0.001, max_minutes: 10 });
    const [interrupt] = runOf(thread).interrupts ?? [];
    const asked = { type: "number", default: expect.any(Number) };
    expect(interrupt?.response_schema).toMatchObject({
      properties: {
        max_total_tokens: { ...asked, exclusiveMinimum: 1_000 },
        max_cost_usd: { ...asked, exclusiveMinimum: 0.001 },
      },
    });
    expect(interrupt?.response_schema).not.toHaveProperty("properties.max_minutes");
    expect(interrupt?.message).toMatch(/ So does the cap of .* Raise them to .* and .* and go on\?$/);
    await thread.run("", { invocation_id: "inv_b", ...answerTo("inv_a", true) });
    expect(thread.requests).toHaveLength(1);
    expect(runOf(thread, "inv_b")).toMatchObject({ status: "completed", caps: { max_minutes: 10 } });
  });

  it("is asked once, whatever the cap, and whatever was used of it before", async () => {
    const shapes = fc.record({
      caps: fc.oneof(
        fc.record({ max_total_tokens: fc.integer({ min: 1, max: 60_000 }) }),
        fc.record({ max_cost_usd: fc.double({ min: 1e-9, max: 0.3, noNaN: true }) }),
        fc.record({
          max_total_tokens: fc.integer({ min: 1, max: 60_000 }),
          max_cost_usd: fc.double({ min: 1e-9, max: 0.3, noNaN: true }),
        }),
      ),
      used: fc.option(
        fc.record({ input: fc.integer({ min: 500, max: 20_000 }), output: fc.integer({ min: 1, max: 16_000 }) }),
        { nil: undefined },
      ),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ caps, used }) => {
        const thread = await ask(caps, used && counted({ input_tokens: used.input, output_tokens: used.output }));
        fc.pre(runOf(thread).status === "interrupted");
        const before = thread.requests.length;
        await thread.run("", { invocation_id: "inv_b", ...answerTo("inv_a", { approved: true }) });
        expect(thread.requests.length).toBeGreaterThan(before);
        const cap = findRun(thread.life, "inv_a")?.spending.asks;
        const raised = runOf(thread, "inv_b").caps?.[cap?.name ?? "max_minutes"];
        expect(raised).toBeGreaterThanOrEqual((cap?.limit ?? 0) * 2);
      }),
      { numRuns: 40 },
    );
  });

  it("gets a minute of work more than what was used, where a step took far longer than its cap", async () => {
    const clock = new FakeClock();
    const thread = cappedThread(
      [
        async (...given) => {
          clock.advance(400_000);
          return await looks("c1")(...given);
        },
        says("done"),
      ],
      { clock, agent: { on_cap: "ask", max_minutes: 1 } },
    );
    await thread.accept("hi", { invocation_id: "inv_a" });
    await passTime(clock, 3_000);
    expect(runOf(thread).status).toBe("interrupted");
    await thread.accept("", { invocation_id: "inv_b", ...answerTo("inv_a", true) });
    await passTime(clock, 3_000);
    expect(runOf(thread, "inv_b")).toMatchObject({ status: "completed", caps: { max_minutes: 8 } });
  });

  it("is asked how much it is to be if the cap is 0", async () => {
    const thread = await ask({ max_total_tokens: 0 });
    const [interrupt] = runOf(thread).interrupts ?? [];
    expect(interrupt?.message).toContain("Raise it and go on?");
    expect(interrupt?.response_schema).not.toHaveProperty("properties.max_total_tokens.default");
  });
});
