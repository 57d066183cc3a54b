import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };

/** A run that waits in its first step. */
async function begin(key_id?: string) {
  const gates = [new Gate(), new Gate()];
  const replies = [...gates.map((gate) => gate.say("begun", " ended")), say("done")];
  const thread = new FakeThread({ replies });
  await thread.accept("hi", { ...run, ...(key_id !== undefined && { key_id }) });
  await gates[0]?.reached;
  return { thread, gates };
}

describe("the key for which a run works", () => {
  it("is the one that started it, also in the next life, and nobody's once it has ended", async () => {
    const { thread, gates } = await begin("key_a");
    expect(thread.maker()).toBe("key_a");
    thread.crash();
    ensureRunning(thread.life);
    await gates[1]?.reached;
    expect(thread.maker()).toBe("key_a");
    gates[1]?.open();
    await thread.read(run).untilClosed();
    await thread.life.active?.done;
    expect(thread.maker()).toBe(null);
  });

  it("is not known for a run of Slack", async () => {
    const { thread } = await begin();
    expect(thread.maker()).toBe(null);
    await thread.accept("from Slack", { invocation_id: "inv_s", on_busy: "steer" });
    thread.crash();
    ensureRunning(thread.life);
    expect(thread.maker()).toBe(null);
  });

  it("is the one that steered it last, also in the next life", async () => {
    const { thread, gates } = await begin("key_a");
    await thread.accept("make it blue", { invocation_id: "inv_s", on_busy: "steer", key_id: "key_b" });
    await thread.accept("and round", { invocation_id: "inv_t", on_busy: "steer" });
    expect(thread.maker()).toBe("key_a");
    await thread.accept("and red", { invocation_id: "inv_u", on_busy: "steer", key_id: "key_c" });
    gates[0]?.open();
    await gates[1]?.reached;
    expect(thread.maker()).toBe("key_c");
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(run).untilClosed();
    expect(thread.requests).toHaveLength(3);
  });
});
