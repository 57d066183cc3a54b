import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, type Reply, reply, say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { ENDPOINT, SECRET, shell, TracedThread } from "../../test/fakes/traced-thread.ts";
import { defineTool } from "../agent/tool.ts";
import { type Env, readConfig } from "../config.ts";
import { clock } from "../thread/ports.ts";
import { ensureRunning } from "../thread/run/run.ts";
import { openTracing } from "./open.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const work = (command: string, id = `call_${command}`): Reply => call({ id, name: "shell", input: { command } });
const replies = (): Reply[] => [work("build"), work("fail"), say("done")];

describe("a run's trace", () => {
  it("is run, step, model call and tool, and the sandbox below its tool", async () => {
    const thread = new TracedThread({ replies: replies() });
    await thread.run("go", { invocation_id: "inv_a" });
    expect(await thread.tree()).toEqual([
      "invoke_agent agent_default",
      " step 1",
      "  chat test-model",
      "  execute_tool shell",
      "   sandbox write_file",
      "   sandbox git_status",
      " step 2",
      "  chat test-model",
      "  execute_tool shell",
      " step 3",
      "  chat test-model",
    ]);
  });

  it("says by the conventions what was asked, used and answered", async () => {
    const thread = new TracedThread({ replies: replies() });
    await thread.run("go");
    const spans = await thread.settled();
    const find = (name: string) => spans.find((span) => span.name === name);
    expect(find("chat test-model")).toMatchObject({
      kind: 3,
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "test-model",
        "gen_ai.request.stream": true,
        "gen_ai.conversation.id": "thread_1",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "server.address": "api.openai.com",
        "server.port": 443,
      },
    });
    expect(find("execute_tool shell")?.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "shell",
      "gen_ai.tool.call.id": "call_build",
      "gen_ai.tool.type": "function",
    });
    expect(spans.filter(({ is_error }) => is_error).map(({ attributes }) => attributes["error.type"])).toEqual([
      // The sandbox of the tests has no git.
      "refused",
      "tool_error",
    ]);
    expect(find("invoke_agent agent_default")).toMatchObject({
      kind: 1,
      parent_id: null,
      is_error: false,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": "agent_default",
        "taskloom.run.status": "completed",
        "taskloom.run.steps": 3,
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 15,
      },
      resource: { "service.name": "taskloom" },
    });
  });

  it("has a span for each try of a model, and why it failed", async () => {
    const failure = { code: "model_error", message: SECRET, retryable: true, retry_after_ms: 1 } as const;
    const limited: Reply = async () => ({ kind: "failure", failure: { ...failure, reason: "rate_limited" } });
    const thread = new TracedThread({ replies: [limited, say("done")] });
    await thread.run("go");
    const chats = (await thread.settled()).filter(({ name }) => name.startsWith("chat"));
    expect(chats.map(({ attributes, is_error }) => [is_error, attributes["error.type"]])).toEqual([
      [true, "rate_limited"],
      [false, undefined],
    ]);
    expect(new Set(chats.map(({ parent_id }) => parent_id)).size).toBe(1);
  });

  it("says why a run failed, and by no word of it", async () => {
    const failure = { code: "model_error", message: SECRET, retryable: false, retry_after_ms: null } as const;
    const thread = new TracedThread({
      replies: [async () => ({ kind: "failure", failure: { ...failure, reason: "invalid_key" } })],
    });
    await thread.run("go");
    const root = (await thread.settled()).find(({ parent_id }) => parent_id === null);
    expect(root).toMatchObject({
      is_error: true,
      attributes: { "error.type": "invalid_key", "taskloom.run.status": "failed" },
    });
    expect(Buffer.concat(thread.bodies).toString("latin1")).not.toContain("canary");
  });

  it("continues in the next life, with the same ids and the run's whole time", async () => {
    let isDying = true;
    const thread: TracedThread = new TracedThread({
      tools: [
        defineTool({
          ...shell,
          execute: async () => {
            if (isDying) await new Promise(() => {});
            return { content: "ran", is_error: false };
          },
        }),
      ],
      replies: [work("build"), say("done")],
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await thread.accept("go", { invocation_id: "inv_a", traceparent });
    await vi.waitFor(() => expect([...thread.life.live.values()][0]?.started_calls).toHaveLength(1), 20_000);
    isDying = false;
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    const spans = await thread.settled();
    expect(new Set(spans.map(({ trace_id }) => trace_id)).size).toBe(1);
    const root = spans.find(({ name }) => name.startsWith("invoke_agent"));
    expect(root).toMatchObject({
      parent_id: "b7ad6b7169203331",
      attributes: { "taskloom.run.attempt": 2, "taskloom.run.steps": 2 },
    });
    const steps = spans.filter(({ name }) => name.startsWith("step"));
    expect(steps.map(({ parent_id }) => parent_id)).toEqual(steps.map(() => root?.span_id));
    expect(steps.every(({ start }) => start >= (root?.start ?? 0))).toBe(true);
  });

  it("belongs to the span in which a client started it", async () => {
    const thread = new TracedThread({ replies: [say("done")] });
    await thread.run("go", { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    const spans = await thread.settled();
    expect(new Set(spans.map(({ trace_id }) => trace_id))).toEqual(new Set(["0af7651916cd43dd8448eb211c80319c"]));
    const root = spans.find(({ name }) => name.startsWith("invoke_agent"));
    expect(root).toMatchObject({ parent_id: "b7ad6b7169203331", flags: 0x301 });
  });

  it("is not made where the client's span is not sampled, or the share leaves it out", async () => {
    const unsampled = new TracedThread({ replies: [say("done")] });
    await unsampled.run("go", { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" });
    const none = new TracedThread({ replies: [say("done")] }, { OTEL_TRACES_SAMPLER_ARG: "0" });
    await none.run("go");
    expect([...unsampled.bodies, ...none.bodies]).toEqual([]);
  });
});

describe("what people and models say", () => {
  const said = { replies: () => [work(`echo-${SECRET}`, "call_a"), say("the-answer")] };

  it("is in no span by default", async () => {
    const thread = new TracedThread({ replies: said.replies() });
    await thread.run("the-question");
    await thread.settled();
    const text = Buffer.concat(thread.bodies).toString("latin1");
    for (const word of ["the-question", "the-answer", "echo-", "canary"]) expect(text).not.toContain(word);
  });

  it("is in spans if the setting asks for it, bounded and without the secrets of the settings", async () => {
    const settings = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" };
    const thread = new TracedThread({ replies: said.replies() }, settings);
    await thread.run(`the-question ${"x".repeat(100_000)} ${SECRET}`);
    const spans = await thread.settled();
    const text = Buffer.concat(thread.bodies).toString("latin1");
    expect(text).not.toContain("canary");
    expect(text.length).toBeLessThan(60_000);
    const chat = spans.filter(({ name }) => name.startsWith("chat")).at(-1);
    const input = JSON.parse(String(chat?.attributes["gen_ai.input.messages"])) as { role: string; parts: unknown[] }[];
    expect(input.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(JSON.stringify(input)).toContain("the-question");
    expect(JSON.parse(String(chat?.attributes["gen_ai.output.messages"]))).toEqual([
      { role: "assistant", parts: [{ type: "text", content: "the-answer" }], finish_reason: "stop" },
    ]);
    const tool = spans.find(({ name }) => name.startsWith("execute_tool"));
    expect(tool?.attributes["gen_ai.tool.call.arguments"]).toContain("echo-[key]");
  });
});

describe("a collector", () => {
  it("that hangs or fails keeps no run waiting", async () => {
    const config = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT } as unknown as Env);
    const hang = (() => new Promise(() => {})) as unknown as typeof fetch;
    const thread = new FakeThread({
      tools: [shell],
      replies: [work("a"), say("one"), async () => reply({ text: "two" })],
      traces: () => openTracing(config, clock, hang),
    });
    await thread.run("go");
    await thread.run("again");
    expect(thread.aborts).toEqual([]);
    expect(thread.failures).toEqual([]);
  });
});
