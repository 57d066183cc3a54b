import { describe, expect, it } from "vitest";
import { callsTools, fails, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { MAX_ATTEMPTS, PATIENCE_MS } from "./patience.ts";

const limited = (retry_after_ms: number | null) =>
  fails({ reason: "rate_limited", retry_after_ms, message: "Slow down." });
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

  it("keeps the reason of the failure", async () => {
    const run = new ScriptedRun([fails({ retryable: false, reason: "invalid_key", message: "Check OPENAI_API_KEY." })]);
    const error = { code: "model_error", message: "Check OPENAI_API_KEY.", reason: "invalid_key" };
    expect(await run.run()).toEqual({ status: "failed", error });
  });

  it("waits out a rate limit as the server asks, more often than it repeats a failure", async () => {
    const run = new ScriptedRun([...Array.from({ length: 8 }, () => limited(60_000)), says("At last.")]);
    expect(await run.run()).toMatchObject({ status: "completed", text: "At last." });
    expect(run.slept).toEqual(Array(8).fill(60_000));
    expect(retries(run).map((retry) => retry.attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("counts limits and failures apart", async () => {
    const run = new ScriptedRun([
      ...Array.from({ length: MAX_ATTEMPTS - 1 }, () => [fails(), limited(40_000)]).flat(),
      says("x"),
    ]);
    expect(await run.run()).toMatchObject({ status: "completed" });
    const failing = new ScriptedRun([limited(40_000), ...Array.from({ length: 9 }, () => fails())]);
    expect(await failing.run()).toMatchObject({ status: "failed" });
    expect(failing.requests).toHaveLength(1 + MAX_ATTEMPTS);
  });

  it("fails at once if the server asks for more than is left of the run's patience, and says how much", async () => {
    const hours = new ScriptedRun([limited(7_500_000)]);
    expect(await hours.run()).toEqual({
      status: "failed",
      error: {
        code: "model_error",
        message: "Slow down. It asks to wait 2 h 5 min. Try again then, or choose another model.",
        reason: "rate_limited",
      },
    });
    expect(hours.slept).toEqual([]);
    const late = new ScriptedRun(() => limited(400_000));
    expect(await late.run()).toMatchObject({ status: "failed", error: { reason: "rate_limited" } });
    expect(late.slept).toEqual([400_000]);
  });

  it("waits longer each time for a limit that states no wait or always a second, within the same patience", async () => {
    for (const asked of [null, 0, 1000]) {
      const run = new ScriptedRun(() => limited(asked));
      expect(await run.run()).toMatchObject({ status: "failed", error: { reason: "rate_limited" } });
      const total = run.slept.reduce((sum, wait) => sum + wait, 0);
      expect(total).toBeLessThanOrEqual(PATIENCE_MS);
      expect(total).toBeGreaterThan(PATIENCE_MS - 30_000);
      expect(run.requests.length).toBeLessThan(60);
      expect(Math.max(...run.slept)).toBeLessThanOrEqual(30_000);
    }
  });

  it("has its whole patience again in the next call", async () => {
    const turns = [limited(500_000), callsTools("work"), limited(500_000), says("x")];
    const run = new ScriptedRun(turns, [makeTool("work")]);
    expect(await run.run()).toMatchObject({ status: "completed" });
    expect(run.slept).toEqual([500_000, 500_000]);
  });

  it("asks no more once it is cancelled while it waits for a limit", async () => {
    const run = new ScriptedRun([{ ...limited(60_000), before: () => queueMicrotask(() => run.cancel.abort()) }]);
    expect(await run.run()).toEqual({ status: "cancelled" });
    expect(run.requests).toHaveLength(1);
  });

  it("waits after other failures as long as the provider asks, up to a minute", async () => {
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
