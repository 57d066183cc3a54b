// Streams of the Responses API that mean no good: what they must not bring about.
import { beforeEach, describe, expect, it } from "vitest";
import type { ModelMessage } from "../../../src/agent/model.ts";
import { forgetRules } from "../../../src/models/profiles/rules.ts";
import { ask, growth, LINEAR, open, replyOf, stream } from "./hostile-server.ts";

beforeEach(forgetRules);

/** Servers with a Responses API that mean no good. */
describe("a stream of the Responses API", () => {
  const api = "responses" as const;
  const added = (output_index: number, call_id = `call_${output_index}`) => ({
    type: "response.output_item.added",
    output_index,
    item: { type: "function_call", id: `fc_${output_index}`, call_id, name: "f", arguments: "" },
  });
  const piece = (output_index: number, delta: string) => ({
    type: "response.function_call_arguments.delta",
    output_index,
    delta,
  });
  const end = { type: "response.completed", response: { status: "completed", output: [] } };

  it("that quotes keys and addresses in its failure shows neither", async () => {
    const words = "key test-key-0123456789 of https://gpu.internal.example/v1 at 10.1.2.3:8000 and 127.0.0.1:9 failed";
    for (const event of [
      { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: words } } },
      { type: "error", message: words, code: null, param: null },
      { type: "response.incomplete", response: { incomplete_details: { reason: words } } },
    ]) {
      const { outcome } = await ask(open(() => stream(event), { api }).model);
      expect(outcome.kind).toBe("failure");
      expect(JSON.stringify(outcome)).not.toMatch(/0123456789|internal\.example|10\.1\.2|127\.0/);
    }
  });

  it("with arguments that are said again and again takes linear time", async () => {
    const again = { type: "response.function_call_arguments.done", output_index: 0, arguments: "x" };
    const take = async (count: number) => {
      const pieces = Array.from({ length: count }, () => [piece(0, "x".repeat(200)), again]).flat();
      const { outcome } = await ask(open(() => stream(added(0), ...pieces, end), { api }).model);
      expect(replyOf(outcome).tool_calls[0]?.function.arguments).toHaveLength(200 * count);
    };
    expect(await growth(take, 1000)).toBeLessThan(LINEAR);
  });

  it("with more calls, items or text than any model makes ends as too long", async () => {
    const floods = [
      Array.from({ length: 300 }, (_, at) => added(at)),
      Array.from({ length: 2000 }, (_, at) => ({ ...added(at), item: { type: "reasoning", id: `rs_${at}` } })),
      [added(0), ...Array.from({ length: 30 }, () => piece(0, "x".repeat(100_000)))],
      [{ type: "response.output_text.delta", output_index: 0, delta: "x".repeat(6 * 1024 * 1024) }],
    ];
    for (const events of floods) {
      const { outcome } = await ask(open(() => stream(...events, end), { api }).model);
      expect(outcome).toMatchObject({ kind: "failure", failure: { reason: "reply_too_long", retryable: false } });
    }
  });

  it("of one server gives another no reasoning, whatever origin it claims", async () => {
    const item = {
      type: "response.output_item.done",
      output_index: 0,
      item: {
        type: "reasoning",
        id: "rs_1",
        summary: [],
        encrypted_content: "SECRET",
        origin: "api.openai.com/v1 gpt",
      },
    };
    const said = { type: "response.output_text.delta", output_index: 1, delta: "hello" };
    const evil = open(() => stream(item, said, end), { api });
    const { extras } = replyOf((await ask(evil.model, { model: "gpt-6.1-sol" })).outcome);
    const messages: ModelMessage[] = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "hello", ...(extras ? { extras } : {}) },
      { role: "user", content: "go on" },
    ];
    const good = open(() => stream(said, end), { base_url: "https://api.openai.com/v1" });
    await ask(good.model, { model: "gpt-6.1-sol", messages });
    expect(JSON.stringify(good.sent)).not.toContain("SECRET");
    await ask(evil.model, { model: "gpt-6.1-sol", messages });
    expect(JSON.stringify(evil.sent.at(-1))).toContain("SECRET");
  });

  it("that has nothing after its end, but stays open, is not waited for", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const event of [{ type: "response.output_text.delta", output_index: 0, delta: "hello" }, end]) {
          controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
        }
      },
    });
    const headers = { "content-type": "text/event-stream" };
    const { text } = await ask(open(() => new Response(body, { headers }), { api }).model);
    expect(text).toBe("hello");
  });
});
