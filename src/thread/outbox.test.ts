// The way to D1 after it was away for long.
import { expect, it } from "vitest";
import { say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";

it("brings any number of runs to D1 in batches of a bounded size, the oldest first and each once", async () => {
  let isAway = true;
  const thread = new FakeThread({
    brain: say("hello"),
    syncThread: async () => {
      if (isAway) throw new Error("D1 is away");
    },
  });
  const ids = Array.from({ length: 70 }, (_, place) => `inv_${place}`);
  for (const invocation_id of ids) await thread.run("hi", { invocation_id });
  isAway = false;
  expect(await thread.life.outbox.sync()).toBe(true);
  const runs = thread.batches.map((batch) => batch.runs);
  expect(Math.max(...runs.map(({ length }) => length))).toBeLessThanOrEqual(20);
  expect(runs.flat().map(({ invocation_id }) => invocation_id)).toEqual(ids);
  expect(runs.flat().every(({ status }) => status === "completed")).toBe(true);
  expect(thread.life.outbox.pending).toBe(false);
});
