// Tests against a real HTTP server on the loopback, since the behaviour on the wire is what matters.
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import {
  api_key,
  call,
  closeServers,
  failureOf,
  frame,
  replyOf,
  request,
  stream,
  text,
} from "../../test/fakes/model-endpoint.ts";
import { models } from "./index.ts";

afterEach(closeServers);

describe("createOpenAiModel", () => {
  it("streams text, reasoning, a tool call in pieces and usage, and requests all of them", async () => {
    let asked: Record<string, unknown> = {};
    let authorization: string | undefined;
    const { outcome, deltas } = await call((response, incoming, body) => {
      asked = JSON.parse(body);
      authorization = incoming.headers.authorization;
      stream(response);
      response.write(": hello\n\n");
      response.write(frame({ choices: [{ delta: { role: "assistant", reasoning_content: "hm" } }] }));
      response.write(text("你好"));
      response.write(
        frame({
          choices: [{ delta: { tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: '{"a"' } }] } }],
        }),
      );
      response.write(frame({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] } }] }));
      response.write(frame({ choices: [{ delta: {}, finish_reason: "tool_calls" }] }));
      response.end(`${frame({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } })}data: [DONE]\n\n`);
    });
    expect(replyOf(outcome)).toEqual({
      text: "你好",
      reasoning: "hm",
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      finish: "tool_calls",
      usage: { input_tokens: 5, cached_input_tokens: 0, output_tokens: 2, cost_usd: null },
      extras: { origin: expect.stringMatching(/^127\.0\.0\.1:\d+\/v1 m$/), values: { reasoning: "hm" }, unsent: true },
    });
    expect(deltas.map((delta) => delta.type)).toEqual([
      "reasoning",
      "text",
      "tool_call",
      "tool_arguments",
      "tool_arguments",
    ]);
    expect(authorization).toBe(`Bearer ${api_key}`);
    expect(asked).toEqual({
      model: "m",
      messages: request.messages,
      stream: true,
      stream_options: { include_usage: true },
      tools: [{ type: "function", function: request.tools[0] }],
    });
  });

  it("omits the list of tools if there are none", async () => {
    let asked = "";
    await call(
      (response, _incoming, body) => {
        asked = body;
        stream(response).end(text("x", "stop"));
      },
      { request: { ...request, tools: [] } },
    );
    expect(asked).not.toContain("tools");
  });

  it("sends a temperature only if one is set, even zero", async () => {
    const asked: unknown[] = [];
    for (const temperature of [undefined, null, 0, 1.5]) {
      await call(
        (response, _incoming, body) => {
          asked.push(JSON.parse(body).temperature);
          stream(response).end(text("x", "stop"));
        },
        { request: { ...request, temperature } },
      );
    }
    expect(asked).toEqual([undefined, undefined, 0, 1.5]);
  });

  it("accepts a stream that ends after its finish reason without [DONE]", async () => {
    const { outcome } = await call((response) => stream(response).end(text("whole", "stop")));
    expect(replyOf(outcome)).toMatchObject({ text: "whole", finish: "stop" });
  });

  it("accepts a stream whose connection breaks after its finish reason", async () => {
    const { outcome } = await call((response) => {
      stream(response).write(text("whole", "stop"), () => response.destroy());
    });
    expect(replyOf(outcome).text).toBe("whole");
  });

  it("accepts the whole JSON answer of a server that ignores stream", async () => {
    const { outcome, deltas } = await call((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          choices: [{ message: { content: "all" }, finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 1 },
        }),
      );
    });
    expect(replyOf(outcome)).toMatchObject({ text: "all", finish: "stop" });
    expect(deltas).toEqual([{ type: "text", text: "all" }]);
  });

  it("accepts a stream that stays open after [DONE]", async () => {
    const { outcome } = await call((response) => {
      stream(response).write(`${text("x")}data: [DONE]\n\n`);
    });
    expect(replyOf(outcome).text).toBe("x");
  });

  it.each([
    ["cleanly", (response: ServerResponse) => void response.end()],
    ["by a broken connection", (response: ServerResponse) => void response.destroy()],
    ["inside a chunk", (response: ServerResponse) => void response.end('data: {"choices":[{"del')],
    [
      "inside a character",
      (response: ServerResponse) => void response.end(Buffer.from('data: {"choices":"店').subarray(0, -1)),
    ],
  ])("reports a stream that is cut %s as worth another attempt", async (_how, cut) => {
    const { outcome, deltas } = await call((response) => {
      stream(response).write(text("half"), () => cut(response));
    });
    expect(failureOf(outcome)).toMatchObject({ code: "model_error", retryable: true });
    expect(failureOf(outcome).message).toMatch(/cut its reply off|broke off/);
    expect(deltas).toEqual([{ type: "text", text: "half" }]);
  });

  it("reports an error object in the middle of the stream", async () => {
    const { outcome } = await call((response) => {
      stream(response).end(text("half") + frame({ error: { message: "overloaded", code: 529 } }));
    });
    expect(failureOf(outcome)).toMatchObject({ retryable: true, message: expect.stringContaining("overloaded") });
  });

  it("maps a refused key without repeating it, and reads Retry-After of a rate limit", async () => {
    const refused = await call((response) => {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${api_key}` } }));
    });
    expect(failureOf(refused.outcome).retryable).toBe(false);
    expect(JSON.stringify(refused.outcome)).not.toContain(api_key);
    const limited = await call((response) => response.writeHead(429, { "retry-after": "7" }).end());
    expect(failureOf(limited.outcome)).toMatchObject({ retryable: true, retry_after_ms: 7000 });
  });

  it("reads only as much of an error page as it needs", async () => {
    let written = 0;
    const { outcome } = await call((response) => {
      response.writeHead(500, { "content-type": "text/html" });
      const more = () => {
        while (!response.destroyed) {
          written += 65_536;
          if (!response.write("x".repeat(65_536))) return void response.once("drain", more);
        }
      };
      more();
    });
    expect(failureOf(outcome)).toMatchObject({ retryable: true });
    expect(failureOf(outcome).message.length).toBeLessThan(700);
    expect(written).toBeLessThan(50_000_000);
  });

  it("says what to check if the answer is no chat completion", async () => {
    const { outcome } = await call((response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html>login</html>"),
    );
    expect(failureOf(outcome)).toMatchObject({ retryable: false, message: expect.stringContaining("OPENAI_BASE_URL") });
  });

  it("reports a server that can't be reached", async () => {
    const model = models.native({ api_key, base_url: "http://127.0.0.1:1/v1" });
    const outcome = await model.stream(request, () => {}, new AbortController().signal);
    expect(failureOf(outcome)).toMatchObject({
      code: "model_error",
      retryable: true,
      message: expect.stringMatching(/^The model server could not be reached(?!.*127\.0)/),
    });
  });
});
