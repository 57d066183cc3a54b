import { describe, expect, it } from "vitest";
import { callsTools, fails, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { MAX_ATTEMPTS } from "./call.ts";

const retries = (run: ScriptedRun) => run.deltas.flatMap((delta) => (delta.type === "model_retry" ? [delta] : []));

describe("callWithRetry", () => {
  it("retries with growing waits, reports each retry, and continues when the model answers", async () => {
    const run = new ScriptedRun([fails(), fails(), fails(), fails(), says("At last.")]);
    expect(await run.run()).toMatchObject({ status: "completed", text: "At last." });
    expect(retries(run).map((retry) => retry.attempt)).toEqual([1, 2, 3, 4]);
    expect(retries(run).map((retry) => retry.after_ms)).toEqual(run.slept);
    for (const [at, wait] of run.slept.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** at);
      expect(wait).toBeLessThanOrEqual(500 * 2 ** at);
    }
  });

  it("gives up after the last attempt, with the code and the message of the failure", async () => {
    const run = new ScriptedRun(
      Array.from({ length: 9 }, () => fails({ code: "model_timeout", message: "It was silent." })),
    );
    expect(await run.run()).toEqual({
      status: "failed",
      error: { code: "model_timeout", message: "The model gave no reply in 5 attempts. It was silent." },
    });
    expect(run.requests).toHaveLength(MAX_ATTEMPTS);
  });

  it("does not repeat what can't succeed", async () => {
    const run = new ScriptedRun([fails({ retryable: false, message: "Check OPENAI_API_KEY." })]);
    const error = { code: "model_error", message: "Check OPENAI_API_KEY." };
    expect(await run.run()).toEqual({ status: "failed", error });
    expect(run.slept).toEqual([]);
  });

  it("waits as long as the provider asks, up to a minute", async () => {
    const run = new ScriptedRun([fails({ retry_after_ms: 7000 }), fails({ retry_after_ms: 3_600_000 }), says("x")]);
    await run.run();
    expect(run.slept).toEqual([7000, 60_000]);
  });

  it("drops what was seen and continues under a new message id", async () => {
    const run = new ScriptedRun([fails({}, "Hal"), says("Hello.")]);
    await run.run();
    expect(run.log.map((entry) => entry.type)).toEqual([
      "part_started",
      "part_delta",
      "message_dropped",
      "model_retry",
      "part_started",
      "part_delta",
      "part_ended",
      "assistant_message",
    ]);
    expect(run.facts[0]).toMatchObject({ message_id: "msg_2", message: { content: "Hello." } });
  });

  it("drops nothing if nothing was seen", async () => {
    const run = new ScriptedRun([fails(), says("Hello.")]);
    await run.run();
    expect(run.deltas.map((delta) => delta.type)).not.toContain("message_dropped");
  });

  it("never gives a call the id that it had in a dropped message", async () => {
    const call = callsTools({ name: "work", id: "call_0" });
    const run = new ScriptedRun([{ ...call, failure: {} }, call, says("x")], [makeTool("work")]);
    await run.run();
    expect([...run.results.keys()]).toEqual(["msg_2_call_0"]);
  });
});
