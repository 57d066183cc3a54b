// Permanent faults of the model: each ends its run as failed, with a code and a message that a person can act on, and
// affects no later run. Temporary faults are in model-faults-once, unusual replies in model-faults-replies, network
// failures in model-faults-network.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { openReader } from "./stream-reader.ts";
import { retries, runAgain, runToEnd } from "./watched-run.ts";

let taskloom: Taskloom;

// These tests mostly wait.
vi.setConfig({ maxConcurrency: 20 });

beforeAll(async () => {
  // Long enough for a busy machine to stay within them, short enough to wait for them five times.
  taskloom = await startTaskloom({ MODEL_FIRST_BYTE_SECONDS: "2", MODEL_IDLE_SECONDS: "2" });
});
afterAll(() => taskloom.close());

type Case = [fault: string, hooks: string, code: string, retries: number, message: RegExp];

async function check(...[, hooks, code, count, message]: Case): Promise<void> {
  const { thread, run, events } = await runToEnd(taskloom, hooks);
  expect([run.status, run.error?.code]).toEqual(["failed", code]);
  expect(run.error?.message).toMatch(message);
  const waits = retries(events);
  expect(waits).toHaveLength(count);
  if (hooks.includes("retry-after")) for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1000);
  await runAgain(taskloom, thread);
}

const brokeOff = /5 attempts.*(cut its reply|broke) off/;

describe.concurrent("a retryable fault of the model that never passes", () => {
  it.each<Case>([
    ["503 with Retry-After", "[[status 503 retry-after 1]]", "model_error", 4, /5 attempts.*failed \(503\)/],
    ["500", "[[status 500]]", "model_error", 4, /5 attempts.*failed \(500\)/],
    ["a cut after chunks", "[[cut after 3]] [[say 20]]", "model_error", 4, brokeOff],
    ["a stream that just ends", "[[no end]] [[say 3]]", "model_error", 4, /5 attempts.*cut its reply off/],
    ["no head", "[[silent]]", "model_timeout", 4, /5 attempts.*sent nothing for 2 s/],
    ["no first byte", "[[stall]]", "model_timeout", 4, /5 attempts.*sent nothing for 2 s/],
    ["silence after the first chunk", "[[stall after 1]]", "model_timeout", 4, /5 attempts.*sent nothing for 2 s/],
    ["silence within the text", "[[stall after 3]] [[say 9]]", "model_timeout", 4, /5 attempts.*silent for 2 s/],
    ["invalid JSON", "[[bad json]]", "model_error", 4, /5 attempts.*not JSON/],
    ["an error in the stream", "[[error]] [[say 3]]", "model_error", 4, /5 attempts.*\(503\): The model is over/],
  ])("ends the run as failed: %s", (...given) => check(...given));

  it("is waited for a minute at most, although the server asks for hours, and ends at once when cancelled", async () => {
    const path = "/v1/threads/hours/runs";
    const body = { message: "[[status 503 retry-after 7200]]", invocation_id: "inv-hours" };
    const reader = await openReader(taskloom, path, { method: "POST", body });
    await reader.until(({ event }) => event.type === "CUSTOM" && event.name === "model_retry");
    expect(retries(reader.frames.map(({ event }) => event))).toEqual([60_000]);
    await taskloom.request("POST", `${path}/inv-hours/cancel`);
    expect(await reader.ended).toBe("closed");
    expect(await taskloom.json<Run>("GET", `${path}/inv-hours`)).toMatchObject({ status: "cancelled" });
    await runAgain(taskloom, "hours");
  });
});

it.each([
  ["[[status 401]]", "invalid_key"],
  ["[[status 429 retry-after 7200]]", "rate_limited"],
  ["[[html]]", "model_not_found"],
])("a run's error has its reason, in the row, its event and its status message: %s", async (hooks, reason) => {
  const { run, events } = await runToEnd(taskloom, hooks);
  expect(run.error).toMatchObject({ code: "model_error", reason });
  expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", metadata: { reason } });
});

describe("a permanent fault of the model", () => {
  it.each<Case>([
    ["a page", "[[html]]", "model_error", 0, /no chat completion.*OPENAI_BASE_URL/],
    ["a line without end", "[[endless]]", "model_error", 0, /grew past/],
    ["a text without end", "[[fill 9000000]]", "model_error", 0, /grew past.*2 MiB/],
    ["a refused key", "[[status 401]]", "model_error", 0, /API key \(401\).*OPENAI_API_KEY/],
    [
      "a limit for hours",
      "[[status 429 retry-after 7200]]",
      "model_error",
      0,
      /how often.*\(429\).*asks to wait 2 h\./,
    ],
    ["an empty account", "[[status 402]]", "model_error", 0, /no credit or quota left \(402\)/],
    ["an unknown model", "[[status 404]]", "model_error", 0, /OPENAI_MODEL/],
    ["too long a context", "[[status 400]]", "model_error", 0, /longer than the model can read/],
    ["an empty choice", "[[empty]]", "model_error", 0, /nothing, twice/],
  ])("ends the run as failed at the first attempt: %s", (...given) => check(...given));
});

it("never reveals the key that the model's server quotes, not even in the log", async () => {
  const { run } = await runToEnd(taskloom, "[[status 401]]");
  expect(run.error?.message).toMatch(/You sent: Bearer \[key\]/);
  expect(taskloom.runtime.logs.join("\n")).not.toContain("model-key");
});
