import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../../examples/memory-sandbox/sandbox.ts";
import { makePlan, makeTool } from "../../../test/fakes/scripted-run.ts";
import { memoryCache, memorySources } from "../../../test/fakes/sources.ts";
import { SandboxError } from "../sandbox.ts";
import { freeSpending } from "../spending.ts";
import type { Tool, ToolContext } from "../tool.ts";
import { CANCELLED_RESULT, runTool } from "./run.ts";

const context: Omit<ToolContext, "signal"> = {
  tool_call_id: "call_1",
  sandbox: new MemorySandbox(),
  plan: makePlan(),
  plan_order: "strict",
  now: () => 0,
  readResult: () => null,
  sources: memorySources(),
  cache: memoryCache(),
  spending: freeSpending,
  takeUse: async () => null,
  onOutput: () => {},
};
const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
/** Either no limit is ever reached, or every limit is reached at once. */
const stands = (_ms: number, signal: AbortSignal) => untilAborted(signal);
const strikes = () => Promise.resolve();

function run(tool: Partial<Tool>, ports: Partial<Parameters<typeof runTool>[3]> = {}, overrides = context) {
  return runTool(makeTool("work", tool), {}, overrides, {
    sleep: stands,
    signal: new AbortController().signal,
    ...ports,
  });
}

describe("runTool", () => {
  it("passes on what the tool answers", async () => {
    const result = { content: "ok", is_error: false, details: { exit_code: 0 }, preview: { port: 1, url: "u" } };
    expect(await run({ execute: async () => result })).toEqual(result);
  });

  it("cuts long output in the middle and says how to get the rest", async () => {
    const content = `${"a".repeat(500)}${"😀".repeat(5000)}${"z".repeat(500)}`;
    const result = await run({ output_limit: 1000, execute: async () => ({ content, is_error: false }) });
    expect(result.content.length).toBeLessThanOrEqual(1000);
    expect(result.content).toMatch(/^a+[\s\S]*characters are left out[\s\S]*z$/);
    expect(result.content).toContain('read_result with {"result_id":"call_1","offset":');
    expect(result.content.isWellFormed()).toBe(true);
    expect(result.whole).toBe(content);
  });

  it("keeps the full result only if it was cut, and of an endless one its start and end", async () => {
    expect(await run({ execute: async () => ({ content: "short", is_error: false }) })).not.toHaveProperty("whole");
    const content = `first ${"x".repeat(5 * 1024 * 1024)} last`;
    const { whole = "" } = await run({ execute: async () => ({ content, is_error: false }) });
    expect(whole.length).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(whole).toMatch(/^first x+\n\[… \d+ characters were too many to keep …\]\nx+ last$/);
  });

  it("hides secrets in what a tool of the sandbox answers, also in a failure, and in no tool's that does not work", async () => {
    const sandbox = Object.assign(new MemorySandbox(), {
      hideSecrets: async (text: string) => text.replaceAll("canary-17", "***"),
    });
    const within = { ...context, sandbox };
    const answers = { execute: async () => ({ content: "KEY=canary-17", is_error: false }) };
    expect(await run(answers, {}, within)).toMatchObject({ content: "KEY=***" });
    const long = { ...answers, execute: async () => ({ content: "canary-17 ".repeat(200), is_error: false }) };
    expect(JSON.stringify(await run({ ...long, output_limit: 1_000 }, {}, within))).not.toContain("canary");
    const fails = async () => Promise.reject(new SandboxError("unavailable", "refused: canary-17", 7));
    const failed = await run({ execute: fails }, {}, within);
    expect(failed).toMatchObject({ content: "refused: ***", fatal: { message: "refused: ***" } });
    expect(await run({ ...answers, kind: "plan" }, {}, within)).toMatchObject({ content: "KEY=canary-17" });
  });

  it("hides secrets in every string of a result, however deep", async () => {
    const sandbox = Object.assign(new MemorySandbox(), {
      hideSecrets: async (text: string) => text.replaceAll("canary-17", "***"),
    });
    const result = {
      ...{ content: "ok", is_error: false, introduces: "canary-17", preview: { port: 1, url: "http://canary-17.x" } },
      details: { branch: "canary-17", "canary-17": null, changes: [{ path: "a/canary-17", staged: 1 }] },
    };
    const masked = await run({ execute: async () => result }, {}, { ...context, sandbox });
    expect(masked).toEqual(JSON.parse(JSON.stringify(result).replaceAll("canary-17", "***")));
  });

  it("shows nothing of the sandbox while its secrets can't be read", async () => {
    const refuse = async () => Promise.reject(new SandboxError("failed", "can't be read"));
    const within = { ...context, sandbox: Object.assign(new MemorySandbox(), { hideSecrets: refuse }) };
    const result = await run({ execute: async () => ({ content: "canary-17", is_error: false }) }, {}, within);
    expect(result).toMatchObject({ content: "can't be read", is_error: true });
  });

  it("makes output well-formed", async () => {
    const result = await run({ execute: async () => ({ content: "a\ud800b", is_error: false }) });
    expect(result.content).toBe("a\ufffdb");
  });

  it("ends a tool that ignores its signal at its limit, and ignores what it sends afterwards", async () => {
    const outputs: string[] = [];
    let finish: () => void = () => {};
    const late = await run(
      {
        time_limit_ms: () => 5000,
        execute: async (_input, toolContext) => {
          toolContext.onOutput("stdout", "in time");
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          toolContext.onOutput("stdout", "too late");
          throw new Error("nobody listens");
        },
      },
      { sleep: strikes },
      { ...context, onOutput: (_stream, text) => void outputs.push(text) },
    );
    expect(late).toMatchObject({ is_error: true, content: expect.stringContaining("time limit of 5 s") });
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    expect(outputs).toEqual(["in time"]);
  });

  it("bounds the time limit that a tool asks for", async () => {
    const asked: number[] = [];
    const sleep = (ms: number, signal: AbortSignal) => {
      asked.push(ms);
      return stands(ms, signal);
    };
    for (const limit of [5000, Number.NaN, -1, 1e12]) await run({ time_limit_ms: () => limit }, { sleep });
    expect(asked).toEqual([5000, 3_900_000, 1, 3_900_000]);
  });

  it("gives a cancelled tool time to end what it started", async () => {
    const cancel = new AbortController();
    let cleaned = false;
    const execute: Tool["execute"] = async (_input, { signal }) => {
      queueMicrotask(() => cancel.abort());
      await untilAborted(signal);
      await Promise.resolve();
      cleaned = true;
      return { content: "stopped", is_error: false };
    };
    expect(await run({ execute }, { signal: cancel.signal })).toEqual(CANCELLED_RESULT);
    expect(cleaned).toBe(true);
  });

  it("does not wait for a cancelled tool that does not stop", async () => {
    const cancel = new AbortController();
    const execute: Tool["execute"] = () => {
      queueMicrotask(() => cancel.abort());
      return new Promise(() => {});
    };
    const sleep = (ms: number, signal: AbortSignal) => (ms === 1000 ? Promise.resolve() : stands(ms, signal));
    expect(await run({ execute }, { signal: cancel.signal, sleep })).toEqual(CANCELLED_RESULT);
  });

  it("starts nothing once the run is cancelled", async () => {
    let started = false;
    const execute: Tool["execute"] = async () => {
      started = true;
      return { content: "", is_error: false };
    };
    expect(await run({ execute }, { signal: AbortSignal.abort() })).toEqual(CANCELLED_RESULT);
    expect(started).toBe(false);
  });

  it("turns the sandbox's refusal into a result, and ends the run if there is no sandbox", async () => {
    const throws = (error: unknown): Partial<Tool> => ({
      execute: async () => {
        throw error;
      },
    });
    const missing = await run(throws(new SandboxError("not_found", "There is no file a.txt.")));
    expect(missing).toEqual({ content: "There is no file a.txt.", is_error: true, details: { code: "not_found" } });
    const gone = await run(throws(new SandboxError("unavailable", "No sandbox.")));
    expect(gone).toMatchObject({ is_error: true, fatal: { code: "sandbox_error", message: "No sandbox." } });
  });

  it.each([
    ["rejects", async () => Promise.reject(new Error("secret stack"))],
    [
      "throws at once",
      () => {
        throw new Error("secret stack");
      },
    ],
    ["answers nonsense", async () => undefined as never],
    ["answers no text", async () => ({ content: 5, is_error: false }) as never],
  ])(
    "reports to the model only that there is an error when a tool %s, and the error itself to the operator",
    async (_how, execute) => {
      const bugs: unknown[] = [];
      const result = await run(
        { execute: execute as Tool["execute"] },
        { onBug: (where, error) => void bugs.push([where, error]) },
      );
      expect(result.is_error).toBe(true);
      expect(result.content).toMatch(/^internal error in tool work\./);
      expect(JSON.stringify(result)).not.toContain("secret");
      expect(bugs).toEqual([["tool work", expect.any(Error)]]);
    },
  );
});
