import { describe, expect, it } from "vitest";
import { callsTools, fails, makeTool, ScriptedRun, says, usage } from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { ModelFailureReason } from "../../protocol/run.ts";
import { MAX_ATTEMPTS } from "./patience.ts";

const agent = agentConfig.parse({ fallback_models: ["b", "c"] });
const refused = (message = "no such model") => fails({ retryable: false, message });
const keepsFailing = () => Array.from({ length: MAX_ATTEMPTS }, () => fails());

function retries(run: ScriptedRun) {
  return run.deltas.flatMap((delta) => (delta.type === "model_retry" ? [delta] : []));
}

function modelsAsked(run: ScriptedRun): string[] {
  return run.requests.map(({ model }) => model);
}

describe("a run with fallback models", () => {
  it("asks the next one at once if a model is unavailable, reports it, and names the model on the message", async () => {
    const run = new ScriptedRun([refused(), says("Hello.")]);
    expect(await run.run({ model: "a", agent })).toMatchObject({ status: "completed", text: "Hello." });
    expect(modelsAsked(run)).toEqual(["a", "b"]);
    expect(retries(run)).toEqual([{ type: "model_retry", attempt: 1, after_ms: 0, model: "b" }]);
    expect(run.facts).toMatchObject([{ type: "assistant_message", model: "b", usage }]);
    expect(run.slept).toEqual([]);
  });

  it("sends the next one the same request after the last attempt with a model that keeps failing", async () => {
    const run = new ScriptedRun([...keepsFailing(), says("Hello.")]);
    await run.run({ model: "a", agent });
    expect(modelsAsked(run)).toEqual([...Array(MAX_ATTEMPTS).fill("a"), "b"]);
    expect(retries(run).at(-1)).toEqual({ type: "model_retry", attempt: MAX_ATTEMPTS, after_ms: 0, model: "b" });
    expect(run.requests.at(-1)).toEqual({ ...run.requests[0], model: "b" });
  });

  it("sends the agent's options to each model", async () => {
    const model_options = { reasoning_effort: "high" as const, max_output_tokens: 500 };
    const run = new ScriptedRun([refused(), says("Hello.")]);
    await run.run({ model: "a", agent: { ...agent, model_options } });
    expect(run.requests.map(({ model, options }) => [model, options])).toEqual([
      ["a", model_options],
      ["b", model_options],
    ]);
  });

  it("drops what a model had sent before it failed", async () => {
    const run = new ScriptedRun([fails({ retryable: false }, "Hal"), says("Hello.")]);
    await run.run({ model: "a", agent });
    const types = run.log.map(({ type }) => type);
    expect(types.indexOf("message_dropped")).toBeLessThan(types.indexOf("model_retry"));
    expect(run.facts).toMatchObject([{ message: { content: "Hello." } }]);
  });

  it("stays with the model that answered, and returns to the others only if that one fails", async () => {
    const turns = [refused(), callsTools("work"), says("", "stop"), refused(), refused(), says("Hello.")];
    const run = new ScriptedRun(turns, [makeTool("work")]);
    await run.run({ model: "a", agent });
    expect(modelsAsked(run)).toEqual(["a", "b", "b", "b", "c", "a"]);
    const named = run.facts.flatMap((fact) => (fact.type === "assistant_message" ? [fact.model] : []));
    expect(named).toEqual(["b", "b", undefined]);
  });

  it("starts with its own model again in a later life", async () => {
    const run = new ScriptedRun([says("Hello.")]);
    await run.run({ model: "a", agent, steps: 1 });
    expect(modelsAsked(run)).toEqual(["a"]);
  });

  it("asks no model twice, whichever the run names", async () => {
    const run = new ScriptedRun([refused(), refused(), says("never")]);
    expect(await run.run({ model: "c", agent })).toMatchObject({ status: "failed" });
    expect(modelsAsked(run)).toEqual(["c", "b"]);
  });

  it("fails with each model's reason if all fail, and names a common reason once", async () => {
    const run = new ScriptedRun([refused("A is off."), ...keepsFailing(), refused("A is off.")]);
    const message = 'No model gave a reply. "a", "c": A is off. "b": The model gave no reply in 5 attempts. It broke.';
    expect(await run.run({ model: "a", agent })).toEqual({ status: "failed", error: { code: "model_error", message } });
  });

  it("keeps the code that all failures share, and bounds their messages", async () => {
    const long = agentConfig.parse({ fallback_models: ["b", "c", "d", "e", "f"].map((name) => name.repeat(200)) });
    const turns = Array.from({ length: 6 }, (_, at) =>
      fails({ retryable: false, code: "model_timeout", message: `${at}${"x".repeat(5000)}` }),
    );
    const outcome = await new ScriptedRun(turns).run({ model: "a", agent: long });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "model_timeout" } });
    if (outcome.status === "failed") expect(outcome.error.message.length).toBeLessThan(4000);
  });

  it("asks the next one at once if a limit lasts more than a minute in all, and waits longest for the last", async () => {
    const limited = (retry_after_ms: number) => fails({ reason: "rate_limited", retry_after_ms });
    const turns = [limited(30_000), limited(40_000), limited(61_000), limited(300_000), says("Hello.")];
    const run = new ScriptedRun(turns);
    expect(await run.run({ model: "a", agent })).toMatchObject({ status: "completed" });
    expect(modelsAsked(run)).toEqual(["a", "a", "b", "c", "c"]);
    expect(run.slept).toEqual([30_000, 300_000]);
  });

  it("says to each model but the last that another one can be asked", async () => {
    const run = new ScriptedRun([refused(), refused(), says("Hello.")]);
    await run.run({ model: "a", agent });
    expect(run.requests.map(({ has_fallback }) => has_fallback)).toEqual([true, true, undefined]);
  });

  it("keeps the reason that all failures share, and none if they differ", async () => {
    const fail = (reason: ModelFailureReason) => fails({ retryable: false, reason });
    const same = new ScriptedRun([fail("no_credit"), fail("no_credit"), fail("no_credit")]);
    expect(await same.run({ model: "a", agent })).toMatchObject({ error: { reason: "no_credit" } });
    const mixed = await new ScriptedRun([fail("no_credit"), fail("timeout"), refused()]).run({ model: "a", agent });
    expect(mixed.status === "failed" && "reason" in mixed.error).toBe(false);
  });

  it("asks no other model after a content filter's refusal, of the request or of the reply", async () => {
    for (const turn of [
      fails({ retryable: false, filtered: true, message: "Filtered." }),
      says("", "content_filter"),
    ]) {
      const run = new ScriptedRun([turn, says("never")]);
      expect(await run.run({ model: "a", agent })).toMatchObject({ status: "failed" });
      expect(run.requests).toHaveLength(1);
    }
  });

  it("asks no other model if the request is too long", async () => {
    const run = new ScriptedRun(() => fails({ retryable: false, too_long: true }));
    expect(await run.run({ model: "a", agent })).toMatchObject({ status: "failed" });
    expect(new Set(run.requests.map(({ model }) => model))).toEqual(new Set(["a"]));
  });

  it("asks no further model once it is cancelled, and a partial reply names its model", async () => {
    const cancelled = new ScriptedRun([{ ...refused(), before: () => cancelled.cancel.abort() }, says("never")]);
    expect(await cancelled.run({ model: "a", agent })).toEqual({ status: "cancelled" });
    expect(cancelled.requests).toHaveLength(1);
    const partial = new ScriptedRun([
      refused(),
      { text: "Half", hangs: true, before: () => queueMicrotask(() => partial.cancel.abort()) },
    ]);
    expect(await partial.run({ model: "a", agent })).toEqual({ status: "cancelled" });
    expect(partial.facts).toMatchObject([{ model: "b", partial: true, message: { content: "Half" } }]);
  });

  it("sends the agent's temperature to each", async () => {
    const run = new ScriptedRun([refused(), says("Hello.")]);
    await run.run({ model: "a", agent: { ...agent, temperature: 0 } });
    expect(run.requests.map(({ temperature }) => temperature)).toEqual([0, 0]);
  });

  it("gives up a silent model at its first silence while another one is left, and the last one after five", async () => {
    const silent = () => fails({ code: "model_timeout", reason: "timeout" });
    const run = new ScriptedRun([silent(), silent(), says("At last.")]);
    expect(await run.run({ model: "a", agent })).toMatchObject({ status: "completed" });
    expect(run.requests.map(({ model }) => model)).toEqual(["a", "b", "c"]);
    const last = new ScriptedRun(Array.from({ length: 9 }, silent));
    await last.run({ model: "a", agent });
    expect(last.requests.map(({ model }) => model).join("")).toBe("abccccc");
  });
});
