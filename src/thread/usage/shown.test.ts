// What readers see of what a run spends, and a run whose row says nothing of it.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import type { Run } from "../../protocol/run.ts";
import { getRun } from "../run/control.ts";

const run = { invocation_id: "inv_a" };

describe("a run while it works", () => {
  it("shows what the call under way may use, and each settled call in the stream", async () => {
    let seen: Run | null = null;
    const thread = cappedThread([
      looks("c1"),
      async (request, onDelta, signal) => {
        const shown = await getRun(thread.life, "inv_a");
        if (shown.ok) seen = structuredClone(shown.value);
        return says("done")(request, onDelta, signal);
      },
    ]);
    const { events } = await thread.run("hi", run);
    expect(seen).toMatchObject({ usage: counted(), reserved: { output_tokens: 16_000, cost_usd: null } });
    const shown = events.flatMap((event) => (event.type === "CUSTOM" && event.name === "usage" ? [event.value] : []));
    expect(shown.at(-1)).toMatchObject({ invocation_id: "inv_a" });
    expect(runOf(thread)).not.toHaveProperty("reserved");
  });

  it.each([
    [null, [false, false]],
    [100_000, [true, false, true, false]],
  ])("under a cap of %j also before each call", async (max_total_tokens, told) => {
    const { events } = await cappedThread([looks("c1"), says("done")], { agent: { max_total_tokens } }).run("hi", run);
    const shown = events.flatMap((event) => (event.type === "CUSTOM" && event.name === "usage" ? [event.value] : []));
    expect(shown.map(({ reserved }) => reserved !== undefined)).toEqual(told);
  });
});
