import { describe, expect, it } from "vitest";
import type { Model, ModelFailure, ModelRequest } from "../model.ts";
import { writeSummary } from "./summary-writer.ts";

const request = {
  before: "",
  messages: [{ role: "user" as const, content: "Make a shop." }],
  max_input_tokens: 4000,
  max_output_tokens: 400,
};
const limited: ModelFailure = {
  code: "model_error",
  message: "Slow down.",
  retryable: true,
  retry_after_ms: null,
  reason: "rate_limited",
};
const reply = { text: "A shop.", reasoning: "", tool_calls: [], finish: "stop" as const, usage: null };

/** Each outcome in turn: a failure, or null for a reply. */
async function write(models: string[], outcomes: (Partial<ModelFailure> | null)[]) {
  const asked: ModelRequest[] = [];
  const slept: number[] = [];
  const model: Model = {
    stream: async (given) => {
      asked.push(given);
      const failure = outcomes.shift();
      if (failure === undefined) throw new Error("the script has no more outcomes");
      return failure === null ? { kind: "reply", reply } : { kind: "failure", failure: { ...limited, ...failure } };
    },
  };
  const sleep = async (ms: number) => void slept.push(ms);
  const written = await writeSummary({ ...request, models }, { model, sleep, signal: new AbortController().signal });
  return { text: written?.text, asked, slept };
}

describe("writeSummary", () => {
  it("waits out a short limit", async () => {
    const { text, slept } = await write(["a"], [{ retry_after_ms: 15_000 }, null]);
    expect([text, slept]).toEqual(["A shop.", [15_000]]);
  });

  it("does not wait for a limit that lasts longer than it may wait, and asks the next model at once", async () => {
    const { text, asked, slept } = await write(["a", "b"], [{ retry_after_ms: 45_000 }, null]);
    expect(text).toBe("A shop.");
    expect(asked.map(({ model }) => model)).toEqual(["a", "b"]);
    expect(slept).toEqual([]);
  });

  it("waits a bounded time for other failures, whatever the server asks", async () => {
    const { slept } = await write(["a"], [{ reason: "server_failed", retry_after_ms: 45_000 }, null]);
    expect(slept).toEqual([20_000]);
  });

  it("says of each model but the last that another one can be asked", async () => {
    const { asked } = await write(["a", "b"], [{ retryable: false }, null]);
    expect(asked.map(({ has_fallback }) => has_fallback)).toEqual([true, undefined]);
  });
});
