// Traces of runs that end in other ways than well: each is a whole tree, and says why, by no word of anybody.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReceivedSpan } from "../../test/fakes/otlp/read.ts";
import { call, type Reply, reply, say } from "../../test/fakes/replies.ts";
import { SECRET, shell, TracedThread } from "../../test/fakes/traced-thread.ts";
import type { ModelOutcome } from "../agent/model.ts";
import { defineTool } from "../agent/tool.ts";
import { defaultAgent } from "../protocol/agents/agent.ts";
import { cancelRun } from "../thread/run/control.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const work = (command: string, id = `call_${command}`): Reply => call({ id, name: "shell", input: { command } });

/** Of spans that failed: their names and why. */
function failures(spans: ReceivedSpan[]): [string, unknown][] {
  const ids = new Set(spans.map(({ span_id }) => span_id));
  expect(ids.size).toBe(spans.length);
  expect(spans.filter(({ parent_id }) => parent_id !== null && !ids.has(parent_id))).toEqual([]);
  return spans.filter(({ is_error }) => is_error).map(({ name, attributes }) => [name, attributes["error.type"]]);
}

const stuck = defineTool({
  ...shell,
  execute: (_input, { signal }) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve({ content: "late", is_error: true }))),
});

describe("a run", () => {
  it("that is cancelled in a tool", async () => {
    const thread = new TracedThread({ tools: [stuck], replies: [work("wait")] });
    await thread.accept("go", { invocation_id: "inv_a" });
    await vi.waitFor(() => expect([...thread.life.live.values()][0]?.started_calls).toHaveLength(1), 20_000);
    await cancelRun(thread.life, "inv_a");
    const spans = await thread.settled();
    expect(failures(spans).map(([name]) => name)).toEqual(["execute_tool shell"]);
    const root = spans.find(({ parent_id }) => parent_id === null);
    expect(root?.attributes).toMatchObject({ "taskloom.run.status": "cancelled", "taskloom.spans.dropped": 0 });
  });

  it("that is cancelled while its model answers", async () => {
    const slow: Reply = (_request, onDelta, signal) =>
      new Promise((resolve) => {
        onDelta({ type: "text", text: "canary" });
        const said = reply({ text: "canary", usage: null });
        signal.addEventListener("abort", () => resolve({ ...said, kind: "aborted" } as ModelOutcome));
      });
    const thread = new TracedThread({ replies: [slow] });
    await thread.accept("go", { invocation_id: "inv_a" });
    await vi.waitFor(() => expect(thread.requests).toHaveLength(1), 20_000);
    await cancelRun(thread.life, "inv_a");
    const spans = await thread.settled();
    expect(failures(spans)).toEqual([["chat test-model", "cancelled"]]);
    expect(spans.find(({ name }) => name.startsWith("chat"))?.attributes).toMatchObject({
      "gen_ai.response.finish_reasons": ["error"],
    });
    expect(Buffer.concat(thread.bodies).toString("latin1")).not.toContain("canary");
  });

  it("that falls back has both models in one step", async () => {
    const refuse: Reply = async () => ({
      kind: "failure",
      failure: {
        code: "model_error",
        message: SECRET,
        reason: "server_failed",
        retryable: false,
        retry_after_ms: null,
      },
    });
    const thread = new TracedThread({ replies: [refuse, say("done")] });
    const config = { ...defaultAgent.config, fallback_models: ["spare"] };
    thread.life.ports.readAgent = async () => ({ ...defaultAgent, config });
    await thread.run("go", { model: "own" });
    expect(await thread.tree()).toEqual(["invoke_agent agent_default", " step 1", "  chat own", "  chat spare"]);
    expect(failures(thread.spans)).toEqual([["chat own", "server_failed"]]);
  });

  it("whose tool throws says that, and not what it threw", async () => {
    const throws = defineTool({ ...shell, execute: () => Promise.reject(new TypeError(SECRET)) });
    const thread = new TracedThread({ tools: [throws], replies: [work("x"), say("done")] });
    await thread.run("go");
    expect(failures(await thread.settled())).toEqual([["execute_tool shell", "_OTHER"]]);
    expect(Buffer.concat(thread.bodies).toString("latin1")).not.toContain("canary");
  });

  it("that fails counts its own lost spans alone, and not those of the run before", async () => {
    const thread = new TracedThread({ replies: [say("one"), say("two")] });
    await thread.run("go", { invocation_id: "inv_a" });
    await thread.run("again", { invocation_id: "inv_b" });
    await vi.waitFor(() => expect(thread.spans.filter(({ parent_id }) => parent_id === null)).toHaveLength(2), 20_000);
    const roots = thread.spans.filter(({ parent_id }) => parent_id === null);
    expect(new Set(roots.map(({ trace_id }) => trace_id)).size).toBe(2);
    expect(roots.map(({ attributes }) => attributes["taskloom.spans.dropped"])).toEqual([0, 0]);
  });
});
