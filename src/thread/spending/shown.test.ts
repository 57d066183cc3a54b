// What readers see of what a run spends, and a run whose row says nothing of it.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import type { Run } from "../../protocol/run.ts";
import { readRun } from "../rows/runs.ts";
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

describe("a row of a former version", () => {
  it("has no spending, and its run continues and is counted", async () => {
    const thread = cappedThread([looks("c1"), says("done")]);
    thread.life.database.sql.exec("UPDATE runs SET spending = NULL");
    await thread.run("hi", run);
    thread.life.database.sql.exec("UPDATE runs SET spending = NULL");
    thread.crash();
    thread.replies.push(says("again"));
    await thread.run("more", { invocation_id: "inv_b" });
    expect(readRun(thread.life.database.sql, "inv_a")?.run.usage).toEqual(
      counted({ input_tokens: 2_000, output_tokens: 1_000 }),
    );
    expect(runOf(thread, "inv_b").status).toBe("completed");
  });
});
