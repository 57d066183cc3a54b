// What a run's record says of its reservations, and what they must cover beside the usual price.
import { describe, expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { findRun } from "../life.ts";
import { showReserved } from "./record.ts";

const run = { invocation_id: "inv_a" };
const price = { input: 2, output: 8 };

describe("a reservation", () => {
  it("has the price of the faster tier that the agent asks for", async () => {
    const limitAt = async (service_tier: string): Promise<number> => {
      const thread = new FakeThread({
        replies: [say("done")],
        agent: { model_options: { extra_body: { service_tier } } },
      });
      thread.prices = { "test-model": price, "test-model priority": { input: 5, output: 20 } };
      await thread.run("hi", { ...run, caps: [{ scope: "run", max_cost_usd: 0.1 }] });
      return thread.requests[0]?.options?.max_output_tokens ?? Number.NaN;
    };
    const [usual, faster] = [await limitAt("flex"), await limitAt("priority")];
    expect(faster * price.output * 2.5).toBeLessThanOrEqual(100_000);
    expect(faster).toBeGreaterThan(1_000);
    expect(usual).toBeGreaterThan(faster * 2);
  });

  it("is not shown of a run that is over, also if a version without reservations ended it", async () => {
    const thread = new FakeThread({ replies: [say("done")] });
    await thread.run("hi", run);
    const record = findRun(thread.life, "inv_a");
    if (record === null) throw new Error("there is no run");
    const left = { ...record.spending, calls: [{ call_id: "call_1", input: 10, output: 10, cost: null }] };
    expect(showReserved({ run: { ...record.run, status: "running" }, spending: left })).toHaveProperty("reserved");
    expect(showReserved({ run: record.run, spending: left })).not.toHaveProperty("reserved");
  });
});
