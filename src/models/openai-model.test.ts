// Tests against a real HTTP server on the loopback, since the behaviour on the wire is what matters.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ModelDelta, ModelOutcome, ModelReply, ModelRequest } from "../agent/model.ts";
import type { OpenAiLimits } from "./exchange/exchange.ts";
import { models } from "./index.ts";

const api_key = "test-key-0123456789";
const request: ModelRequest = {
  model: "m",
  messages: [{ role: "user", content: "hi" }],
  tools: [{ name: "f", description: "d", parameters: { type: "object", properties: {} } }],
};

type Answer = (response: ServerResponse, incoming: IncomingMessage, body: string) => void;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(answer: Answer): Promise<string> {
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (piece) => {
      body += piece;
    });
    incoming.on("end", () => answer(response, incoming, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

async function call(
  answer: Answer,
  options: { limits?: Partial<OpenAiLimits>; signal?: AbortSignal; request?: ModelRequest } = {},
) {
  const base_url = await serve(answer);
  const deltas: ModelDelta[] = [];
  const model = models.native({ api_key, base_url, limits: options.limits });
  const outcome = await model.stream(
    options.request ?? request,
    (delta) => deltas.push(delta),
    options.signal ?? new AbortController().signal,
  );
  return { outcome, deltas };
}

const frame = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const text = (content: string, finish_reason: string | null = null) =>
  frame({ choices: [{ index: 0, delta: { content }, finish_reason }] });
const stream = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });

function replyOf(outcome: ModelOutcome): ModelReply {
  if (outcome.kind !== "reply") throw new Error(JSON.stringify(outcome));
  return outcome.reply;
}
function failureOf(outcome: ModelOutcome) {
  if (outcome.kind !== "failure") throw new Error(JSON.stringify(outcome));
  return outcome.failure;
}

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

  it("gives up on a server that sends no response head, and on one that sends no byte of the body", async () => {
    const limits = { first_byte_ms: 60 };
    const silent = await call(() => {}, { limits });
    expect(failureOf(silent.outcome)).toMatchObject({ code: "model_timeout", retryable: true, reason: "timeout" });
    const headOnly = await call((response) => stream(response).flushHeaders(), { limits });
    expect(failureOf(headOnly.outcome)).toMatchObject({ code: "model_timeout", retryable: true });
  });

  it("gives up sooner on a silent server while another model can be asked", async () => {
    vi.useFakeTimers();
    try {
      const silent: typeof fetch = (_input, init) =>
        new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      const ask = async (has_fallback: boolean, limits: Partial<OpenAiLimits> = {}) => {
        const model = models.native({ api_key, base_url: "https://model.example/v1", fetch: silent, limits });
        const begun = Date.now();
        const outcome = await Promise.all([
          model.stream({ ...request, has_fallback }, () => {}, new AbortController().signal),
          vi.runAllTimersAsync(),
        ]);
        return [Date.now() - begun, failureOf(outcome[0]).message];
      };
      expect(await ask(true)).toEqual([120_000, "The model server sent nothing for 120 s."]);
      expect(await ask(false)).toEqual([600_000, "The model server sent nothing for 600 s."]);
      expect((await ask(true, { first_byte_ms: 5000 }))[0]).toBe(5000);
    } finally {
      vi.useRealTimers();
    }
  });

  it("gives up on a stream that falls silent, but not on one that has finished", async () => {
    const limits = { idle_ms: 60 };
    const amid = await call((response) => void stream(response).write(text("half")), { limits });
    expect(failureOf(amid.outcome)).toMatchObject({ code: "model_timeout", retryable: true });
    const after = await call((response) => void stream(response).write(text("whole", "stop")), { limits });
    expect(replyOf(after.outcome).text).toBe("whole");
  });

  it("waits longer before the reply begins than during it, and comments or a chunk with only the role don't begin it", async () => {
    const limits = { idle_ms: 60, first_byte_ms: 5000 };
    const { outcome } = await call(
      (response) => {
        stream(response).write(
          `: PROCESSING\n\n${frame({ choices: [{ delta: { role: "assistant", content: "" } }] })}`,
        );
        setTimeout(() => response.end(text("thought over", "stop")), 300);
      },
      { limits },
    );
    expect(replyOf(outcome).text).toBe("thought over");
  });

  it("counts comments as a sign of life, before the reply and during it", async () => {
    const limits = { idle_ms: 600, first_byte_ms: 600 };
    const { outcome } = await call(
      (response) => {
        stream(response);
        const pieces = [...Array(6).fill(": PROCESSING\n\n"), text("a"), ...Array(6).fill(": PROCESSING\n\n")];
        const timer = setInterval(() => {
          const piece = pieces.shift();
          if (piece !== undefined) return void response.write(piece);
          clearInterval(timer);
          response.end(text("b", "stop"));
        }, 120);
      },
      { limits },
    );
    expect(replyOf(outcome).text).toBe("ab");
  });

  it("gives up on a server that sends comments for ever", async () => {
    for (const piece of [text("a"), ": PROCESSING\n\n"]) {
      const closed = Promise.withResolvers<void>();
      const { outcome } = await call(
        (response) => {
          stream(response);
          const timer = setInterval(() => response.write(piece), 20);
          response.on("close", () => {
            clearInterval(timer);
            closed.resolve();
          });
        },
        { limits: { idle_ms: 5000, first_byte_ms: 5000, total_ms: 400 } },
      );
      expect(failureOf(outcome)).toMatchObject({
        code: "model_timeout",
        retryable: false,
        message: expect.stringContaining("took longer than"),
      });
      await closed.promise;
    }
  });

  it("refuses an endless reply, in tokens or in one line, and closes the connection", async () => {
    for (const piece of [text("x".repeat(1000)), "x".repeat(1000)]) {
      let closed: () => void = () => {};
      const seen = new Promise<void>((resolve) => {
        closed = resolve;
      });
      const { outcome } = await call(
        (response) => {
          response.on("close", closed);
          stream(response).write(piece === "x".repeat(1000) ? "data: " : "");
          const more = () => {
            while (!response.destroyed) if (!response.write(piece)) return void response.once("drain", more);
          };
          more();
        },
        { limits: { reply_characters: 100_000 } },
      );
      expect(failureOf(outcome)).toMatchObject({ code: "model_error", retryable: false });
      await seen;
    }
  });

  it("closes the connection immediately when aborted in the middle of the stream, and returns what had arrived", async () => {
    const caller = new AbortController();
    let closed: () => void = () => {};
    const seen = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const base_url = await serve((response) => {
      response.on("close", closed);
      stream(response).write(text("half"));
    });
    const outcome = await models.native({ api_key, base_url }).stream(request, () => caller.abort(), caller.signal);
    expect(outcome).toMatchObject({ kind: "aborted", reply: { text: "half", tool_calls: [] } });
    await seen;
  });

  it("closes the connection when aborted before the response head", async () => {
    const caller = new AbortController();
    let closed: () => void = () => {};
    const seen = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { outcome } = await call(
      (response) => {
        response.on("close", closed);
        caller.abort();
      },
      { signal: caller.signal },
    );
    expect(outcome.kind).toBe("aborted");
    await seen;
  });

  it("makes no request for a caller that has already aborted", async () => {
    let asked = 0;
    const { outcome } = await call(() => asked++, { signal: AbortSignal.abort() });
    expect(outcome.kind).toBe("aborted");
    expect(asked).toBe(0);
  });
});
