// Traces of the whole product, as a collector receives them: from a request over TCP to the last span.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReceivedSpan } from "../fakes/otlp/read.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fakes/otlp/receiver.ts";
import { readFrames, SANDBOX_KEY } from "./harness.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";

const COLLECTOR_KEY = "collector-canary-0123456789";

let collector: OtlpReceiver;
let taskloom: MortalTaskloom;

beforeAll(async () => {
  collector = await startOtlpReceiver();
  taskloom = await startMortalTaskloom({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${COLLECTOR_KEY}`,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
});

afterAll(async () => {
  await taskloom.close();
  await collector.close();
});

async function start(thread_id: string, message: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${taskloom.url}/v1/threads/${thread_id}/runs?wait=1`, {
    method: "POST",
    headers: { authorization: `Bearer ${taskloom.key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ message }),
  });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { invocation_id: string }).invocation_id;
}

async function spansOf(invocation_id: string): Promise<{ root: ReceivedSpan; spans: ReceivedSpan[] }> {
  const root = await collector.until(({ attributes }) => attributes["taskloom.run.id"] === invocation_id);
  return { root, spans: collector.spans.filter(({ trace_id }) => trace_id === root.trace_id) };
}

describe("a collector", () => {
  it("receives the main job as one tree, with every span below the run", async () => {
    const { root, spans } = await spansOf(await start("shop", "帮我做一个电商网站"));
    const ids = new Set(spans.map(({ span_id }) => span_id));
    expect(ids.size).toBe(spans.length);
    expect(spans.filter(({ parent_id }) => parent_id === null)).toEqual([root]);
    for (const { parent_id } of spans) if (parent_id !== null) expect(ids).toContain(parent_id);
    const named = (start: string) => spans.filter(({ name }) => name.startsWith(start));
    expect(named("step ").length).toBe(root.attributes["taskloom.run.steps"]);
    expect(named("chat ").length).toBeGreaterThanOrEqual(named("step ").length);
    expect(named("execute_tool ").map(({ attributes }) => attributes["gen_ai.tool.name"])).toContain("create_tasks");
    expect(named("sandbox run_command").length).toBeGreaterThan(0);
    expect(root).toMatchObject({
      is_error: false,
      resource: { "service.name": "taskloom", "deployment.environment.name": "test" },
      attributes: { "taskloom.run.status": "completed", "gen_ai.conversation.id": "shop" },
    });
    for (const { start, end } of spans) {
      expect(start).toBeGreaterThanOrEqual(root.start);
      expect(end).toBeLessThanOrEqual(root.end + 1_000);
    }
    expect(collector.faults).toEqual([]);
    expect(collector.most_at_once).toBe(1);
    expect(collector.headers.every((headers) => headers["x-key"] === COLLECTOR_KEY)).toBe(true);
  });

  it("receives nothing that was said, and no key", () => {
    const secrets = [
      taskloom.key,
      "model-key",
      SANDBOX_KEY,
      COLLECTOR_KEY,
      "电商",
      Buffer.from("电商").toString("latin1"),
    ];
    for (const secret of secrets) expect(collector.text).not.toContain(secret);
  });

  it("receives a run below the span of the client that started it", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const { root } = await spansOf(await start("parented", "hello", { traceparent }));
    expect(root).toMatchObject({ trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", parent_id: "00f067aa0ba902b7" });
    const ignored = await spansOf(await start("ignored", "hello", { traceparent: "nonsense" }));
    expect(ignored.root.parent_id).toBeNull();
  });

  it("receives one trace of a run whose object died in the middle of it", async () => {
    const body = { message: "帮我做一个电商网站", invocation_id: "inv-mortal" };
    const stream = await taskloom.request("POST", "/v1/threads/mortal/runs/stream", body);
    for await (const { event } of readFrames(stream)) if (event.type === "TOOL_CALL_RESULT") break;
    await taskloom.endLife("mortal");
    // Any request wakes the next life. Its alarm would take half a minute.
    await taskloom.json("GET", "/v1/threads/mortal/runs/inv-mortal");
    const { root, spans } = await spansOf("inv-mortal");
    expect(root).toMatchObject({ parent_id: null, attributes: { "taskloom.run.status": "completed" } });
    expect(Number(root.attributes["taskloom.run.attempt"])).toBeGreaterThan(1);
    expect(spans.filter(({ name }) => name.startsWith("invoke_agent"))).toHaveLength(1);
    expect(spans.every(({ start }) => start >= root.start)).toBe(true);
  });

  it("that fails changes no run, and gets the next one", async () => {
    collector.answer = { status: 400 };
    await start("failing", "hello");
    collector.answer = null;
    await start("hanging", "hello");
    collector.answer = { status: 200 };
    const { root } = await spansOf(await start("after", "hello"));
    expect(root.attributes["taskloom.run.status"]).toBe("completed");
  });
});
